// SPDX-License-Identifier: MIT
/// @file What a net gives: an output of each head, and outputs that are made of those.
#pragma once

#include <espalier/autograd/variable.hpp>
#include <espalier/core/named.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace espalier::inline ESPALIER_ABI::mtl {

/// What a net gives for each task, in the order of its heads.
template <class Scalar = float>
using Outputs = Named<Variable<Scalar>>;

/// What makes one output of those of the heads.
template <class Scalar = float>
using DerivedOutput = std::function<Variable<Scalar>(const Outputs<Scalar>& of_heads)>;

namespace detail {

/// The names of all outputs, those of heads first, and what makes the others.
template <class Scalar>
class OutputList {
public:
    void add_head(std::string name) { makers_.insert(std::move(name), nullptr); }
    void derive(std::string name, DerivedOutput<Scalar> make) {
        require<StateError>(!makers_.contains(name), "derive", "expected a name beside ", makers_.names(), ", got '", name, "' again");
        require<ValueError>(make != nullptr, "derive", "expected a function that makes '", name, "', got none");
        makers_.insert(std::move(name), std::move(make));
    }

    /// All outputs, of those of the heads in their order.
    [[nodiscard]] Outputs<Scalar> operator()(Outputs<Scalar>&& of_heads) const {
        if (makers_.size() == of_heads.size())
            return std::move(of_heads);
        auto head = of_heads.begin();
        return makers_.map([&](const std::string& name, const DerivedOutput<Scalar>& make) -> Variable<Scalar> {
            if (!make)
                return (head++)->second;
            try {
                return make(of_heads);
            } catch (Error& error) {
                error.append(concat(", in derived output '", name, "'"));
                throw;
            }
        });
    }

    [[nodiscard]] bool is_derived(std::string_view name) const noexcept {
        const auto* const make = makers_.find(name);
        return make && *make;
    }
    [[nodiscard]] auto begin() const noexcept { return makers_.begin(); }
    [[nodiscard]] auto end() const noexcept { return makers_.end(); }

private:
    Named<DerivedOutput<Scalar>> makers_;  ///< of all outputs; a head's has no function
};

}  // namespace detail
}  // namespace espalier::inline ESPALIER_ABI::mtl
