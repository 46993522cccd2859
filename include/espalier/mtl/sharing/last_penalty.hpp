// SPDX-License-Identifier: MIT
/// @file The penalty of a layer on what it found in its last call.
#pragma once

#include <espalier/nn/module.hpp>
#include <espalier/nn/undo.hpp>

#include <optional>
#include <utility>

namespace espalier::inline ESPALIER_ABI::mtl::detail {

/// A member of a layer whose penalty depends on its input. It is of that layer's parameters and no other's: a layer that was copied,
/// moved or assigned to has none until it is called.
template <class Scalar>
class LastPenalty {
public:
    LastPenalty() = default;
    LastPenalty(const LastPenalty&) noexcept {}
    LastPenalty& operator=(const LastPenalty&) noexcept {
        term_.reset();
        return *this;
    }
    ~LastPenalty() = default;

    void set(Variable<Scalar> term) {
        nn::undo_on_error([this, before = term_] { term_ = before; });
        term_ = std::move(term);
    }
    void visit(nn::Visitor<Scalar>& visitor) const {
        if (term_)
            visitor.penalty([this] { return *term_; });
    }

private:
    std::optional<Variable<Scalar>> term_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl::detail
