// SPDX-License-Identifier: MIT
/// @file One block of memory for the values of an optimizer's parameters, and one for their gradients.
#pragma once

#include <espalier/autograd/variable.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <span>
#include <tuple>

namespace espalier::inline ESPALIER_ABI::optim::detail {

/// Elements from which on a leaf is worth a pass of its own: it stays where it is, as two of a table of gigabytes may be too many.
inline constexpr Index large_leaf = Index{1} << 20;

/// Which of the leaves may be moved to other memory without anybody's noticing: small ones whose memory is owned by leaves of the
/// list alone, each of which has a part of its own. Somebody else who shares it (`Tensor::alias`, the result of a `reshape`,
/// leaves that another optimizer laid out beside these) is to go on seeing what is written to it.
template <class Scalar>
[[nodiscard]] ESPALIER_COLD PoolVector<bool> movable(std::span<const Variable<Scalar>> leaves) {
    struct Piece {
        const Tensor<Scalar>* tensor;
        std::size_t leaf;

        [[nodiscard]] const void* memory() const noexcept { return tensor->memory().data(); }
    };
    PoolVector<bool> result(leaves.size());
    PoolVector<Piece> pieces;
    pieces.reserve(2 * leaves.size());
    for (std::size_t i = 0; i < leaves.size(); ++i) {
        auto& node = *leaves[i].node();
        result[i] = node.value.numel() < large_leaf &&
                    (!node.has_dense_gradient() || node.gradient().shape() == node.value.shape());  // else the next step refuses it
        for (const Tensor<Scalar>* tensor : {&node.value, &node.gradient()})
            if (tensor->memory().data())
                pieces.push_back({tensor, i});
    }
    std::sort(pieces.begin(), pieces.end(), [](const Piece& a, const Piece& b) {
        const auto place = [](const Piece& p) { return std::tuple{p.memory(), p.tensor->data(), p.tensor->numel()}; };
        return place(a) < place(b);
    });
    for (auto first = pieces.begin(), last = first; first != pieces.end(); first = last) {
        last = std::find_if(first, pieces.end(), [&](const Piece& piece) { return piece.memory() != first->memory(); });
        const auto overlap = [](const Piece& a, const Piece& b) { return a.tensor->data() + a.tensor->numel() > b.tensor->data(); };
        if (first->tensor->memory().use_count() != static_cast<std::size_t>(last - first) ||
            std::adjacent_find(first, last, overlap) != last)
            for (auto piece = first; piece != last; ++piece)
                result[piece->leaf] = false;
    }
    return result;
}

/// Whether `b` begins where `a` ends.
template <class Scalar>
[[nodiscard]] bool adjoin(const Tensor<Scalar>& a, const Tensor<Scalar>& b) noexcept {
    return a.data() && a.data() + a.numel() == b.data();
}

/// Moves values and gradients of distinct leaves into one tensor each, in their order, so that a step is one pass over memory.
/// Handles stay valid, and gradients are kept. Leaves that are `movable` and lie in this order already stay where they are, as
/// do those that are not, large ones among them. Nothing has moved if memory runs out.
template <class Scalar>
ESPALIER_COLD void lay_out(std::span<const Variable<Scalar>> leaves) {
    const PoolVector<bool> moves = movable(leaves);
    Index size = 0;
    bool together = true;
    autograd::detail::Node<Scalar>* before = nullptr;
    for (std::size_t i = 0; i < leaves.size(); ++i) {
        if (!moves[i])
            continue;
        auto* const node = leaves[i].node().get();
        if (before)
            together = together && adjoin(before->value, node->value) && adjoin(before->gradient(), node->gradient()) &&
                       before->gradient().shape() == before->value.shape() && node->gradient().shape() == node->value.shape();
        before = node;
        size += node->value.numel();
    }
    if (together)
        return;
    auto values = Tensor<Scalar>::empty({size});
    auto gradients = Tensor<Scalar>::empty({size});  // not touched before a backward pass: what is frozen costs no memory
    Index first = 0;
    for (std::size_t i = 0; i < leaves.size(); ++i) {
        if (!moves[i])
            continue;
        auto& node = *leaves[i].node();
        Tensor<Scalar> value = values.alias(node.value.shape(), first);
        Tensor<Scalar> gradient = gradients.alias(node.value.shape(), first);
        std::copy_n(node.value.data(), value.numel(), value.data());
        if (node.has_dense_gradient())
            std::copy_n(node.gradient().data(), gradient.numel(), gradient.data());
        first += value.numel();
        node.value = std::move(value);
        node.gradient() = std::move(gradient);
    }
    trim_memory();  // where they were before
}

}  // namespace espalier::inline ESPALIER_ABI::optim::detail
