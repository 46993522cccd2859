// SPDX-License-Identifier: MIT
/// @file What a sample consists of when that is more than one tensor: numbers and indices by name.
#pragma once

#include <espalier/core/named.hpp>
#include <espalier/tensor/tensor.hpp>

#include <span>
#include <string_view>
#include <utility>
#include <variant>

namespace espalier::inline ESPALIER_ABI::data {

/// One input of N samples: numbers, `Tensor<Scalar>` (N, ...), or indices, `Tensor<Index>` (N, ...), such as those of categories.
/// Indices stay what they are all the way to a layer: from 2^24 on a float does not hold every one of them.
template <class Scalar = float>
class Input {
public:
    Input() = default;
    /// @throws ShapeError without a batch axis
    Input(Tensor<Scalar> values) : data_{std::move(values)} { check(); }
    Input(Tensor<Index> indices) : data_{std::move(indices)} { check(); }

    [[nodiscard]] bool has_indices() const noexcept { return std::holds_alternative<Tensor<Index>>(data_); }
    /// @throws StateError if the input holds the other kind
    [[nodiscard]] const Tensor<Index>& indices() const& {
        require_kind(true);
        return *std::get_if<Tensor<Index>>(&data_);
    }
    [[nodiscard]] Tensor<Index> indices() && {
        require_kind(true);
        return std::move(*std::get_if<Tensor<Index>>(&data_));
    }
    [[nodiscard]] const Tensor<Scalar>& values() const& {
        require_kind(false);
        return *std::get_if<Tensor<Scalar>>(&data_);
    }
    [[nodiscard]] Tensor<Scalar> values() && {
        require_kind(false);
        return std::move(*std::get_if<Tensor<Scalar>>(&data_));
    }

    [[nodiscard]] const Shape& shape() const& noexcept {
        return std::visit([](const auto& tensor) -> const Shape& { return tensor.shape(); }, data_);
    }
    [[nodiscard]] Shape shape() && noexcept { return std::as_const(*this).shape(); }
    /// Number of samples N.
    [[nodiscard]] Index size() const noexcept { return *shape().begin(); }

    /// The samples that `indices` lists, in that order. @throws ValueError for an index out of range
    [[nodiscard]] Input gather(std::span<const Index> indices) const {
        return std::visit([&](const auto& tensor) { return Input{tensor.gather(indices)}; }, data_);
    }
    /// Samples [first, last). @throws ShapeError unless 0 <= first <= last <= size()
    [[nodiscard]] Input slice(Index first, Index last) const {
        return std::visit([&](const auto& tensor) { return Input{tensor.slice(first, last)}; }, data_);
    }

    friend bool operator==(const Input&, const Input&) = default;

private:
    void require_kind(bool indices) const {
        require<StateError>(has_indices() == indices, "input", "expected ", indices ? "indices" : "numbers", ", got ",
                            indices ? "numbers" : "indices", " of shape ", shape());
    }
    void check() const { require<ShapeError>(shape().rank() > 0, "input", "expected a batch axis, got shape ", shape()); }

    std::variant<Tensor<Scalar>, Tensor<Index>> data_;
};

/// The inputs of N samples by name.
template <class Scalar = float>
using Inputs = Named<Input<Scalar>>;

/// The input of a name. @throws StateError that lists those there are
template <class Scalar>
[[nodiscard]] const Input<Scalar>& input_of(const Inputs<Scalar>& inputs, std::string_view name) {
    const Input<Scalar>* const found = inputs.find(name);
    if (!found)  // and only then is there a list to be made
        fail<StateError>("inputs", "expected an input '", name, "', got ", inputs.names());
    return *found;
}
/// The numbers of a name. @throws as above; StateError if they are indices
template <class Scalar>
[[nodiscard]] const Tensor<Scalar>& values_of(const Inputs<Scalar>& inputs, std::string_view name) {
    const Input<Scalar>& input = input_of(inputs, name);
    require<StateError>(!input.has_indices(), "inputs", "expected numbers in input '", name, "', got indices of shape ", input.shape());
    return input.values();
}
/// The indices of a name. @throws as above; StateError if they are numbers
template <class Scalar>
[[nodiscard]] const Tensor<Index>& indices_of(const Inputs<Scalar>& inputs, std::string_view name) {
    const Input<Scalar>& input = input_of(inputs, name);
    require<StateError>(input.has_indices(), "inputs", "expected indices in input '", name, "', got numbers of shape ", input.shape());
    return input.indices();
}
// Of a temporary they would lead to memory that is gone.
template <class T>
const Input<T>& input_of(const Inputs<T>&&, std::string_view) = delete;
template <class T>
const Tensor<T>& values_of(const Inputs<T>&&, std::string_view) = delete;
template <class T>
const Tensor<Index>& indices_of(const Inputs<T>&&, std::string_view) = delete;

/// Number of samples N. @throws ValueError without an input; ShapeError naming the first that has another number of them
template <class Scalar>
[[nodiscard]] Index size_of(const Inputs<Scalar>& inputs) {
    require<ValueError>(!inputs.empty(), "inputs", "expected at least one input, got none");
    const auto& first = *inputs.begin();
    for (const auto& [name, input] : inputs)
        require<ShapeError>(input.size() == first.second.size(), "inputs", "expected ", first.second.size(), " samples in input '", name,
                            "' as in '", first.first, "', got shape ", input.shape());
    return first.second.size();
}

}  // namespace espalier::inline ESPALIER_ABI::data
