// SPDX-License-Identifier: MIT
/// @file Task-conditioned normalisation: convolutions that all tasks share, between normalisations of their own.
#pragma once

#include <espalier/mtl/sharing/task_conditioned.hpp>
#include <espalier/nn/normalization.hpp>

#include <cstddef>
#include <utility>

namespace espalier::inline ESPALIER_ABI::mtl {
namespace detail {

/// Whether a layer was a `Norm`, of which each task now has a copy.
template <class Norm>
bool give_each_task(nn::Layer<typename Norm::value_type>& layer, std::size_t tasks) {
    auto* const norm = layer.template get_if<Norm>();
    if (norm)
        layer = OfEachTask<Norm>{Norm{*norm}, tasks};
    return norm != nullptr;
}

}  // namespace detail

/// A trunk of which all tasks share the weights, and each has normalisations of its own, `nn::BatchNorm` and `nn::LayerNorm`, scale and
/// shift as well as running statistics. Mudrakarta, Sandler, Zhmoginov and Howard, "K for the price of 1: parameter-efficient multi-task
/// and transfer learning" (ICLR 2019, arXiv:1810.10703); for domains Rebuffi, Bilen and Vedaldi, "Efficient parametrization of
/// multi-domain deep neural networks" (CVPR 2018, arXiv:1803.10082).
///
/// The trunk runs once for each task, on the whole batch, so that in training every batch moves the statistics of all tasks. A task's
/// copies begin with the values of the trunk's, which may be trained already: then all tasks begin as hard sharing of it. What was
/// `1.weight` is `1.<task>.weight`. Reached are the normalisations that are held as an `nn::Layer`, at any depth: those of a
/// `Sequential`, and so of all trunks of the library. One that is a member of a layer by its own type stays shared.
/// @throws ValueError for no task, or a trunk without a normalisation that is reached
template <class Trunk>
[[nodiscard]] TaskConditioned<typename Trunk::value_type> task_norms(Trunk trunk, std::size_t tasks) {
    using Scalar = typename Trunk::value_type;
    TaskConditioned<Scalar> result{std::move(trunk), tasks};
    nn::detail::CollectLayers<Scalar> held;
    result.visit(held);
    bool found = false;
    for (nn::Layer<Scalar>* const layer : held.layers)
        found |= detail::give_each_task<nn::BatchNorm<Scalar>>(*layer, tasks) ||
                 detail::give_each_task<nn::LayerNorm<Scalar>>(*layer, tasks);
    require<ValueError>(found, "task_norms", "expected a trunk with a BatchNorm or LayerNorm in a Sequential, got none");
    return result;
}

}  // namespace espalier::inline ESPALIER_ABI::mtl
