// SPDX-License-Identifier: MIT
/// @file How an operation joins the tape: `record()` takes its value, its inputs and its backward, all three or none.
///
/// The backward sees T cotangents at once, stacked on a leading axis; T = 1 is the ordinary case and no special one.
/// An operation on user data is written the same way as those of the library:
/// @code
/// Variable<S> square(const Variable<S>& x) {
///     Tensor<S> y = ...;
///     return record<S>("square", std::move(y), {x}, [](Gradients<S>& g) { g.add(0, ...2 x dy for every row...); });
/// }
/// @endcode
#pragma once

#include <espalier/autograd/variable.hpp>
#include <espalier/kernels/elementwise.hpp>

#include <algorithm>
#include <initializer_list>
#include <iterator>
#include <span>
#include <utility>

namespace espalier::inline ESPALIER_ABI::autograd {

/// What a backward function sees: the cotangents of its output, and where those of its inputs go.
template <class Scalar>
class Gradients {
public:
    explicit Gradients(detail::Node<Scalar>& node) noexcept : node_{node} {}

    /// Number of cotangents T.
    [[nodiscard]] Index rows() const noexcept { return static_cast<Index>(node_.pending.rows.size()); }
    [[nodiscard]] std::size_t inputs() const noexcept { return node_.inputs.size(); }
    /// (T, shape of the output...). The backward owns it: it may be overwritten or moved on to an input.
    [[nodiscard]] Tensor<Scalar>& cotangent() noexcept { return node_.pending.value; }
    [[nodiscard]] const Tensor<Scalar>& output() const noexcept { return node_.value; }
    [[nodiscard]] const Tensor<Scalar>& input(std::size_t i) const noexcept { return node_.inputs[i]->value; }
    /// Whether input i leads to anything that requires a gradient; if not, nothing need be computed for it.
    [[nodiscard]] bool needs(std::size_t i) const noexcept { return node_.inputs[i]->requires_grad; }

    /// Adds `gradient`, (T, shape of input i...), to what input i has received.
    void add(std::size_t i, Tensor<Scalar>&& gradient) {
        detail::Node<Scalar>& input = *node_.inputs[i];
        require<ShapeError>(gradient.shape() == input.value.shape().prepended(rows()), node_.operation,
                            "expected a gradient ", input.value.shape().prepended(rows()), " for input ", i, ", got ",
                            gradient.shape());
        if (input.destination.data && node_.pending.rows == input.pending.rows) {
            write(input.destination, gradient);
            input.destination.accumulate = true;
        } else {
            gather(input.pending, node_.pending.rows, std::move(gradient), input.value.shape());
        }
    }

    /// Lets `produce(data, stride, accumulate)` write the gradient of input i in place: row t at `data + t * stride`,
    /// added to what is there if `accumulate`. For large gradients, which would be costly to make and then add.
    template <class Produce>
    void produce(std::size_t i, const Produce& produce) {
        Tensor<Scalar> beside;
        const detail::Destination<Scalar> to = destination(i, beside);
        produce(to.data, to.stride, to.accumulate);
        finish(i, std::move(beside));
    }

    /// Adds rows of cotangents to those that have gathered; rows that only one side has are taken as they are.
    static void gather(detail::Pending<Scalar>& pending, const PoolVector<Index>& rows, Tensor<Scalar>&& value,
                       const Shape& shape) {
        if (pending.rows.empty()) {
            pending.rows = rows;
            pending.value = std::move(value);
            return;
        }
        const Index numel = shape.numel();
        if (pending.rows != rows || pending.value.shape() != value.shape()) {
            PoolVector<Index> all;
            std::set_union(pending.rows.begin(), pending.rows.end(), rows.begin(), rows.end(), std::back_inserter(all));
            Tensor<Scalar> merged{shape.prepended(static_cast<Index>(all.size()))};
            add_rows(merged, all, pending.value, pending.rows, numel);
            pending.rows = std::move(all);
            pending.value = std::move(merged);
        }
        add_rows(pending.value, pending.rows, value, rows, numel);
    }

    /// Adds row r of `from`, which stands for `from_rows[r]`, to the row of `to` that stands for the same.
    static void add_rows(Tensor<Scalar>& to, const PoolVector<Index>& to_rows, const Tensor<Scalar>& from,
                         const PoolVector<Index>& from_rows, Index numel) {
        if (from.numel() == 0)
            return;
        for (std::size_t r = 0; r < from_rows.size(); ++r) {
            const auto row = std::lower_bound(to_rows.begin(), to_rows.end(), from_rows[r]) - to_rows.begin();
            kernels::accumulate(numel, from.data() + static_cast<Index>(r) * numel, to.data() + row * numel);
        }
    }

private:
    /// Where the gradient of input i can be written: in its place, or else `beside`.
    [[nodiscard]] detail::Destination<Scalar> destination(std::size_t i, Tensor<Scalar>& beside) const {
        detail::Node<Scalar>& input = *node_.inputs[i];
        const Index numel = input.value.numel();
        if (input.pending.rows == node_.pending.rows)
            return input.destination.data ? input.destination : detail::Destination<Scalar>{input.pending.value.data(), numel, true};
        beside = Tensor<Scalar>::empty(input.value.shape().prepended(rows()));
        return {beside.data(), numel, false};
    }
    void finish(std::size_t i, Tensor<Scalar>&& beside) {
        detail::Node<Scalar>& input = *node_.inputs[i];
        if (beside.data())
            gather(input.pending, node_.pending.rows, std::move(beside), input.value.shape());
        else if (input.destination.data)
            input.destination.accumulate = true;
    }

    void write(const detail::Destination<Scalar>& to, const Tensor<Scalar>& gradient) const {
        const Index numel = rows() ? gradient.numel() / rows() : 0;
        for (Index t = 0; t < rows(); ++t) {
            const Scalar* source = gradient.data() + t * numel;
            Scalar* target = to.data + t * to.stride;
            if (to.accumulate)
                kernels::accumulate(numel, source, target);
            else
                std::copy_n(source, numel, target);
        }
    }

    detail::Node<Scalar>& node_;
};

namespace detail {

template <class Scalar, class F>
struct BackwardOf final : BackwardFunction<Scalar> {
    explicit BackwardOf(F function) : f{std::move(function)} {}
    void operator()(Gradients<Scalar>& gradients) override { f(gradients); }
    F f;
};

/// A variable with `value` that has a place on the tape if this thread records and one of `inputs` requires a gradient.
template <class Scalar>
[[nodiscard]] Variable<Scalar> recorded(const char* operation, Tensor<Scalar>&& value, std::span<const Variable<Scalar>> inputs) {
    Variable<Scalar> result{std::move(value)};
    const auto requires_grad = [](const Variable<Scalar>& input) { return input.requires_grad(); };
    if (!recording() || std::none_of(inputs.begin(), inputs.end(), requires_grad))
        return result;
    auto& node = *result.node();
    node.operation = operation;
    node.requires_grad = true;
    node.inputs.reserve(inputs.size());
    for (const Variable<Scalar>& input : inputs)
        node.inputs.push_back(input.node());
    return result;
}

}  // namespace detail

/// A variable with `value`, computed by `operation` from `inputs`. `backward(Gradients<Scalar>&)` is kept only if one
/// of the inputs requires a gradient and this thread records; it must not hold variables, only what it needs of them.
template <class Scalar, class Backward>
[[nodiscard]] Variable<Scalar> record(const char* operation, Tensor<Scalar> value,
                                      std::span<const Variable<Scalar>> inputs, Backward backward) {
    auto result = detail::recorded(operation, std::move(value), inputs);
    if (result.requires_grad())
        result.node()->backward = std::make_unique<detail::BackwardOf<Scalar, Backward>>(std::move(backward));
    return result;
}
template <class Scalar, class Backward>
[[nodiscard]] Variable<Scalar> record(const char* operation, Tensor<Scalar> value,
                                      std::initializer_list<Variable<Scalar>> inputs, Backward backward) {
    return record(operation, std::move(value), std::span<const Variable<Scalar>>{inputs.begin(), inputs.size()},
                  std::move(backward));
}

}  // namespace espalier::inline ESPALIER_ABI::autograd
