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

#include <espalier/autograd/deferred.hpp>
#include <espalier/autograd/products.hpp>
#include <espalier/autograd/traversal.hpp>
#include <espalier/kernels/gemm.hpp>
#include <espalier/kernels/target.hpp>

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <span>
#include <utility>

namespace espalier::inline ESPALIER_ABI::autograd {

/// What a backward function sees: the cotangents of its output, and where those of its inputs go.
template <class Scalar>
class Gradients {
public:
    Gradients(detail::Traversal<Scalar>& traversal, detail::Slot<Scalar>& slot, detail::Deferred<Scalar>* deferred = nullptr) noexcept
        : traversal_{traversal}, slot_{slot}, node_{*slot.node}, own_{*slot.gathered}, deferred_{deferred} {}

    /// Number of cotangents T.
    [[nodiscard]] Index rows() const noexcept { return own_.rows().size(); }
    [[nodiscard]] std::size_t inputs() const noexcept { return node_.inputs.size(); }
    /// (T, shape of the output...). The backward owns it: it may be overwritten or moved on to an input.
    [[nodiscard]] Tensor<Scalar>& cotangent() noexcept { return own_.value(); }
    [[nodiscard]] const Tensor<Scalar>& output() const noexcept { return node_.value; }
    [[nodiscard]] const Tensor<Scalar>& input(std::size_t i) const noexcept { return node_.inputs[i]->value; }
    /// Whether input i leads to anything that requires a gradient; if not, nothing need be computed for it.
    [[nodiscard]] bool needs(std::size_t i) const noexcept { return node_.inputs[i]->requires_grad && (!deferred_ || deferred_->needs(i)); }
    /// Whether nothing is wanted of input i's gradient but the inner products of its T rows. An operation that can give less than the
    /// rows then does so by one of the two functions below.
    [[nodiscard]] bool wants_products(std::size_t i) const noexcept { return deferred_ && deferred_->wants_products(i); }
    /// (T, numel): what differs from 0 in the rows.
    void add_rows(std::size_t i, Index numel, const Scalar* rows) { deferred_->add_rows(i, numel, rows); }
    /// Of D (T, n, out) and X (n, in), if the rows are D_t^T X; false if they are to be given all the same.
    [[nodiscard]] bool add_factors(std::size_t i, Index n, Index out, Index in, const Scalar* d, const Scalar* x) {
        return wants_products(i) && deferred_->add_factors(i, n, out, in, d, x);
    }

    /// Adds `gradient`, (T, shape of input i...), to what input i has received.
    void add(std::size_t i, Tensor<Scalar>&& gradient) {
        const Shape shape = node_.inputs[i]->value.shape().prepended(rows());
        require<ShapeError>(gradient.shape() == shape, node_.operation, "expected a gradient ", shape, " for input ", i, ", got ",
                            gradient.shape());
        detail::Slot<Scalar>* const input = receiver(i);
        if (!input)
            return;
        if (wants_products(i)) {
            add_rows(i, node_.inputs[i]->value.numel(), gradient.data());
        } else if (takes_directly(*input)) {
            write(input->direct, gradient);
            input->direct.accumulate = true;
        } else {
            input->gather(own_.rows(), std::move(gradient));
        }
    }

    /// Adds D W, (T, shape of input i...), of D (T, axes of input i but the last..., out) and W the value of input `weight`, (out, in): at
    /// once, or multiplied out together with what else reaches input i.
    void add_product(std::size_t i, Tensor<Scalar>&& d, std::size_t weight) {
        using enum kernels::Transpose;
        detail::Slot<Scalar>* const input = receiver(i);
        if (!input)
            return;
        const auto& owner = node_.inputs[weight].node;
        detail::Product<Scalar> product{own_.rows(), std::move(d), {owner, &owner->value}};
        if (detail::Product<Scalar>::pays(product.out(), product.in()) && !input->node->is_leaf())
            return input->gather(std::move(product));
        auto result = Tensor<Scalar>::empty(node_.inputs[i]->value.shape().prepended(rows()));
        const Index out = product.out(), in = product.in();
        kernels::parallel_gemm<Scalar>(no, no, rows() * product.height(), in, out, {product.left.data(), out}, {product.right->data(), in},
                                       {result.data(), in}, false);
        add(i, std::move(result));
    }

    /// Adds what is 0 but in some rows of input i, a table: `values` (T, k, width) belong to its `table_rows` (k,), each there once.
    void add_sparse(std::size_t i, const Tensor<Index>& table_rows, Tensor<Scalar>&& values) {
        const Shape& shape = node_.inputs[i]->value.shape();
        const Index width = shape.product(1, shape.rank());
        if (wants_products(i))
            return add_rows(i, table_rows.numel() * width, values.data());
        if (detail::Slot<Scalar>* const list = traversal_.receiver_of_list(slot_, i, own_.rows()))
            return list->gather(SparseGradient<Scalar>{table_rows, values.reshape(shape.with(0, table_rows.numel()))});
        auto gradient = Tensor<Scalar>{shape.prepended(rows())};
        for (Index t = 0; t < rows(); ++t)
            detail::add_to_rows(table_rows, width, values.data() + t * table_rows.numel() * width, gradient.data() + t * shape.numel());
        add(i, std::move(gradient));
    }

    /// Lets `produce(target)`, a kernels::Target, write the gradient of input i in place: row t at `target.row(t)`, added to what is
    /// there if `target.accumulate`. For large gradients, which would be costly to make and then add.
    template <class Produce>
    void produce(std::size_t i, const Produce& produce) {
        Tensor<Scalar> beside;
        produce(destination(i, beside));
        finish(i, std::move(beside));
    }

private:
    [[nodiscard]] detail::Slot<Scalar>* receiver(std::size_t i) const { return traversal_.receiver(slot_, i); }
    [[nodiscard]] bool takes_directly(const detail::Slot<Scalar>& input) const noexcept {
        return input.direct.wanted() && own_.rows() == traversal_.direct_rows();
    }

    /// Where the gradient of input i can be written: in its place, to what has gathered, or else `beside`.
    [[nodiscard]] kernels::Target<Scalar> destination(std::size_t i, Tensor<Scalar>& beside) const {
        const Shape& shape = node_.inputs[i]->value.shape();
        if (detail::Slot<Scalar>* const input = receiver(i); input && !wants_products(i)) {
            if (takes_directly(*input))
                return input->direct;
            if (Scalar* const place = input->gathered ? input->gathered->place_of(own_.rows()) : nullptr)
                return {place, shape.numel(), true};
        }
        beside = Tensor<Scalar>::empty(shape.prepended(rows()));
        return {beside.data(), shape.numel(), false};
    }
    void finish(std::size_t i, Tensor<Scalar>&& beside) const {
        detail::Slot<Scalar>* const input = receiver(i);
        if (!input)
            return;
        if (wants_products(i))
            deferred_->add_rows(i, node_.inputs[i]->value.numel(), beside.data());
        else if (beside.data())
            input->gather(own_.rows(), std::move(beside));
        else if (takes_directly(*input))
            input->direct.accumulate = true;
    }

    void write(const kernels::Target<Scalar>& to, const Tensor<Scalar>& gradient) const {
        const Index numel = rows() ? gradient.numel() / rows() : 0;
        for (Index t = 0; t < rows(); ++t)
            detail::write_row(to, t, numel, gradient.data() + t * numel);
    }

    detail::Traversal<Scalar>& traversal_;
    detail::Slot<Scalar>& slot_;
    const detail::Node<Scalar>& node_;
    detail::Cotangents<Scalar>& own_;
    detail::Deferred<Scalar>* deferred_;
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
    if (!recording() || (std::none_of(inputs.begin(), inputs.end(), requires_grad) && !recording_constants()))
        return result;
    auto& node = *result.node();
    node.operation = operation;
    node.result = true;
    node.requires_grad = true;
    node.inputs.reserve(inputs.size());
    for (const Variable<Scalar>& input : inputs)
        node.inputs.push_back({input.node(), input.node()->version});
    return result;
}

}  // namespace detail

/// A variable with `value`, computed by `operation` from `inputs`. `backward(Gradients<Scalar>&)` is kept only if one
/// of the inputs requires a gradient and this thread records; it must not hold variables, only what it needs of them.
template <class Scalar, class Backward>
[[nodiscard]] Variable<Scalar> record(const char* operation, Tensor<Scalar> value, std::span<const Variable<Scalar>> inputs,
                                      Backward backward) {
    auto result = detail::recorded(operation, std::move(value), inputs);
    if (result.requires_grad())
        result.node()->backward = std::make_unique<detail::BackwardOf<Scalar, Backward>>(std::move(backward));
    return result;
}
template <class Scalar, class Backward>
[[nodiscard]] Variable<Scalar> record(const char* operation, Tensor<Scalar> value, std::initializer_list<Variable<Scalar>> inputs,
                                      Backward backward) {
    return record(operation, std::move(value), std::span<const Variable<Scalar>>{inputs.begin(), inputs.size()}, std::move(backward));
}

}  // namespace espalier::inline ESPALIER_ABI::autograd
