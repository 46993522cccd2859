// SPDX-License-Identifier: MIT
/// @file Typed exceptions with one grammar: `[operation] expected ..., got ...`.
#pragma once

#include <espalier/core/config.hpp>

#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace espalier::inline ESPALIER_ABI {

/// Base of everything the library throws. `operation()` is the name between the brackets of `what()`.
class Error : public std::runtime_error {
public:
    Error(std::string_view operation, std::string_view message)
        : std::runtime_error{"[" + std::string{operation} + "] " + std::string{message}}, operation_{operation} {}

    [[nodiscard]] const std::string& operation() const noexcept { return operation_; }
    /// `what()` without the operation.
    [[nodiscard]] std::string_view message() const noexcept { return std::string_view{what()}.substr(operation_.size() + 3); }

private:
    std::string operation_;
};

/// An extent, rank or channel count does not fit.
class ShapeError : public Error {
    using Error::Error;
};

/// A value is out of range: a label, a probability, a loss that is not finite.
class ValueError : public Error {
    using Error::Error;
};

/// Something is called too early, too late or on the wrong object: a missing task, a freed graph.
class StateError : public Error {
    using Error::Error;
};

/// A file is missing, truncated, corrupted, or does not hold what was asked for.
class IoError : public Error {
    using Error::Error;
};

/// Everything streamed into one string.
template <class... Parts>
[[nodiscard]] std::string concat(const Parts&... parts) {
    std::ostringstream out;
    (out << ... << parts);
    return std::move(out).str();
}

/// Throws `E{operation, parts...}`.
template <class E, class... Parts>
[[noreturn]] void fail(std::string_view operation, const Parts&... parts) {
    throw E{operation, concat(parts...)};
}

/// Throws `E{operation, parts...}` unless `ok`; the message is only formatted when it is needed.
template <class E, class... Parts>
void require(bool ok, std::string_view operation, const Parts&... parts) {
    if (!ok) [[unlikely]]
        fail<E>(operation, parts...);
}

}  // namespace espalier::inline ESPALIER_ABI
