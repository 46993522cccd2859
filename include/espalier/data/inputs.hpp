// SPDX-License-Identifier: MIT
/// @file What a sample consists of when that is more than one tensor: numbers, indices and sequences by name.
#pragma once

#include <espalier/core/named.hpp>
#include <espalier/data/sequences.hpp>
#include <espalier/tensor/tensor.hpp>

#include <span>
#include <string_view>
#include <utility>
#include <variant>

namespace espalier::inline ESPALIER_ABI::data {

/// What an `Input` holds.
enum class InputKind { numbers, indices, sequences };

/// The kind as errors tell it.
[[nodiscard]] constexpr std::string_view to_string(InputKind kind) noexcept {
    return kind == InputKind::numbers ? "numbers" : kind == InputKind::indices ? "indices" : "sequences";
}

/// One input of N samples: numbers, `Tensor<Scalar>` (N, ...); indices, `Tensor<Index>` (N, ...), such as those of categories; or
/// `Sequences` of indices, N of different lengths. Indices stay what they are all the way to a layer: from 2^24 on a float does not hold
/// every one of them.
template <class Scalar = float>
class Input {
public:
    Input() = default;
    /// @throws ShapeError without a batch axis
    Input(Tensor<Scalar> values) : data_{std::move(values)} { check(); }
    Input(Tensor<Index> indices) : data_{std::move(indices)} { check(); }
    Input(Sequences sequences) : data_{std::move(sequences)} {}

    [[nodiscard]] InputKind kind() const noexcept { return static_cast<InputKind>(data_.index()); }
    [[nodiscard]] bool has_indices() const noexcept { return kind() == InputKind::indices; }
    /// @throws StateError if the input holds another kind
    [[nodiscard]] const Tensor<Index>& indices() const& {
        require_kind(InputKind::indices);
        return *std::get_if<Tensor<Index>>(&data_);
    }
    [[nodiscard]] Tensor<Index> indices() && {
        require_kind(InputKind::indices);
        return std::move(*std::get_if<Tensor<Index>>(&data_));
    }
    [[nodiscard]] const Tensor<Scalar>& values() const& {
        require_kind(InputKind::numbers);
        return *std::get_if<Tensor<Scalar>>(&data_);
    }
    [[nodiscard]] Tensor<Scalar> values() && {
        require_kind(InputKind::numbers);
        return std::move(*std::get_if<Tensor<Scalar>>(&data_));
    }

    [[nodiscard]] const Sequences& sequences() const& {
        require_kind(InputKind::sequences);
        return *std::get_if<Sequences>(&data_);
    }
    [[nodiscard]] Sequences sequences() && {
        require_kind(InputKind::sequences);
        return std::move(*std::get_if<Sequences>(&data_));
    }

    /// Of sequences that of their lengths, (N,).
    [[nodiscard]] const Shape& shape() const& noexcept {
        if (const auto* const sequences = std::get_if<Sequences>(&data_))
            return sequences->lengths().shape();
        const auto* const values = std::get_if<Tensor<Scalar>>(&data_);
        return values ? values->shape() : std::get_if<Tensor<Index>>(&data_)->shape();
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
    void require_kind(InputKind wanted) const {
        require<StateError>(kind() == wanted, "input", "expected ", to_string(wanted), ", got ", to_string(kind()), " of shape ", shape());
    }
    void check() const { require<ShapeError>(shape().rank() > 0, "input", "expected a batch axis, got shape ", shape()); }

    std::variant<Tensor<Scalar>, Tensor<Index>, Sequences> data_;  ///< in the order of the kinds
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

namespace detail {

/// The input of a name, of this kind. @throws StateError
template <class Scalar>
[[nodiscard]] const Input<Scalar>& input_of_kind(const Inputs<Scalar>& inputs, std::string_view name, InputKind kind) {
    const Input<Scalar>& input = input_of(inputs, name);
    require<StateError>(input.kind() == kind, "inputs", "expected ", to_string(kind), " in input '", name, "', got ",
                        to_string(input.kind()), " of shape ", input.shape());
    return input;
}

}  // namespace detail

/// The numbers of a name. @throws as above; StateError if it has another kind
template <class Scalar>
[[nodiscard]] const Tensor<Scalar>& values_of(const Inputs<Scalar>& inputs, std::string_view name) {
    return detail::input_of_kind(inputs, name, InputKind::numbers).values();
}
/// The indices of a name. @throws as above
template <class Scalar>
[[nodiscard]] const Tensor<Index>& indices_of(const Inputs<Scalar>& inputs, std::string_view name) {
    return detail::input_of_kind(inputs, name, InputKind::indices).indices();
}
/// The sequences of a name. @throws as above
template <class Scalar>
[[nodiscard]] const Sequences& sequences_of(const Inputs<Scalar>& inputs, std::string_view name) {
    return detail::input_of_kind(inputs, name, InputKind::sequences).sequences();
}
// Of a temporary they would lead to memory that is gone.
template <class T>
const Input<T>& input_of(const Inputs<T>&&, std::string_view) = delete;
template <class T>
const Tensor<T>& values_of(const Inputs<T>&&, std::string_view) = delete;
template <class T>
const Tensor<Index>& indices_of(const Inputs<T>&&, std::string_view) = delete;
template <class T>
const Sequences& sequences_of(const Inputs<T>&&, std::string_view) = delete;

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
