// SPDX-License-Identifier: MIT
/// @file Typed exceptions with one grammar: `[operation] expected ..., got ...`.
#pragma once

#include <espalier/core/config.hpp>

#include <initializer_list>
#include <locale>
#include <ostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace espalier::inline ESPALIER_ABI {

namespace detail {

/// A part of a message and the way to print it. So one function, compiled once, puts all messages together, however many
/// combinations of types a program prints.
class MessagePart {
public:
    MessagePart(const char* text) noexcept : part_{text}, print_{&print_text} {}
    template <class T>
    MessagePart(const T& value) noexcept : part_{&value}, print_{&print_value<T>} {}

    void print(std::ostream& out) const { print_(out, part_); }

private:
    static void print_text(std::ostream& out, const void* part) { out << static_cast<const char*>(part); }
    template <class T>
    static void print_value(std::ostream& out, const void* part) {
        out << *static_cast<const T*>(part);
    }

    const void* part_;
    void (*print_)(std::ostream& out, const void* part);
};

[[nodiscard]] inline std::string join(std::initializer_list<MessagePart> parts) {
    std::ostringstream out;
    out.imbue(std::locale::classic());  // else "2.000 features" and "0,5" where the program's locale writes numbers so
    for (const MessagePart& part : parts)
        part.print(out);
    return std::move(out).str();
}

/// Has `print(stream)` write to a stream of the user's as that is set, but for its locale: of "(2.000, 0,5)" nobody knows the parts.
template <class Print>
std::ostream& print_classic(std::ostream& out, const Print& print) {
    std::ostringstream text;
    text.copyfmt(out);
    text.width(0);
    text.imbue(std::locale::classic());
    print(text);
    return out << std::move(text).str();
}

}  // namespace detail

/// Base of everything the library throws. `operation()` is the name between the brackets of `what()`.
class Error : public std::runtime_error {
public:
    ESPALIER_COLD Error(std::string_view operation, std::string_view message)
        : std::runtime_error{detail::join({"[", operation, "] ", message})}, operation_{operation} {}

    [[nodiscard]] const std::string& operation() const& noexcept { return operation_; }
    [[nodiscard]] std::string operation() && { return std::move(operation_); }
    /// `what()` without the operation.
    [[nodiscard]] std::string_view message() const& noexcept { return std::string_view{what()}.substr(operation_.size() + 3); }
    [[nodiscard]] std::string message() && { return std::string{std::as_const(*this).message()}; }

    /// Adds to the end of `what()`, for one who catches it, knows more about the place and throws it on.
    void append(std::string_view text) { std::runtime_error::operator=(std::runtime_error{detail::join({what(), text})}); }

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

namespace detail {

template <class E>
[[noreturn]] void throw_joined(std::string_view operation, std::initializer_list<MessagePart> parts) {
    throw E{operation, join(parts)};
}

}  // namespace detail

/// Everything streamed into one string, numbers as in C++ whatever the global locale.
template <class... Parts>
[[nodiscard]] std::string concat(const Parts&... parts) {
    return detail::join({detail::MessagePart{parts}...});
}

/// Throws `E{operation, parts...}`.
template <class E, class... Parts>
[[noreturn]] void fail(std::string_view operation, const Parts&... parts) {
    detail::throw_joined<E>(operation, {detail::MessagePart{parts}...});
}

/// Throws `E{operation, parts...}` unless `ok`; the message is only formatted when it is needed.
template <class E, class... Parts>
void require(bool ok, std::string_view operation, const Parts&... parts) {
    if (!ok) [[unlikely]]
        fail<E>(operation, parts...);
}

}  // namespace espalier::inline ESPALIER_ABI
