// SPDX-License-Identifier: MIT
/// @file Low-rank adapters: a trunk that was trained already and stays as it is, with little that is learned beside each of its layers.
#pragma once

#include <espalier/autograd/arithmetic.hpp>
#include <espalier/core/finite.hpp>
#include <espalier/mtl/sharing.hpp>
#include <espalier/nn/conv2d.hpp>
#include <espalier/nn/freeze.hpp>
#include <espalier/nn/linear.hpp>
#include <espalier/nn/sequential.hpp>

#include <cstddef>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::mtl {

/// Of `LowRankAdapters`.
struct LowRankAdaptersOptions {
    Index rank = 4;
    double scale = 1;         ///< of what an adapter of all tasks adds
    double task_scale = 1;    ///< of what an adapter of one task adds
    std::size_t first = 0;    ///< from which layer of the trunk on tasks have adapters; those before it have the shared one and run once
    bool add_shared = false;  ///< whether a task's output has what the shared adapter adds as well, the authors' `matrixv2`
};

namespace detail {

/// One run of an adapted trunk: first for what all tasks share, then for each task.
template <class Scalar>
class AdapterRun {
public:
    AdapterRun() noexcept : before_{std::exchange(current(), this)} {}
    AdapterRun(const AdapterRun&) = delete;
    AdapterRun& operator=(const AdapterRun&) = delete;
    ~AdapterRun() { current() = before_; }

    [[nodiscard]] static AdapterRun& here() {
        require<StateError>(current() != nullptr, "LowRankAdapters", "expected an adapted layer to be run by the whole, got a call of it");
        return *current();
    }
    void begin(std::size_t task) noexcept {
        task_ = task;
        next_ = 0;
    }
    [[nodiscard]] bool is_shared() const noexcept { return task_ == shared; }
    [[nodiscard]] std::size_t task() const noexcept { return task_; }

    /// What the tasks' outputs of a layer begin with, and the same again: layers are called in the same order for each of them.
    void keep(Variable<Scalar> output) { kept_.push_back(std::move(output)); }
    [[nodiscard]] const Variable<Scalar>& kept() {
        require<StateError>(next_ < kept_.size(), "LowRankAdapters", "expected a trunk that calls its layers in one order for all tasks");
        return kept_[next_++];
    }

private:
    static constexpr std::size_t shared = static_cast<std::size_t>(-1);
    [[nodiscard]] static AdapterRun*& current() noexcept {
        static thread_local AdapterRun* run = nullptr;
        return run;
    }

    AdapterRun* before_;
    std::size_t task_ = shared;
    std::size_t next_ = 0;
    PoolVector<Variable<Scalar>> kept_;
};

/// scale B A x: A is a layer to `rank` features, B begins as 0.
template <class L>
class LowRank : public nn::Module<LowRank<L>, typename L::value_type> {
public:
    using Scalar = typename L::value_type;

    LowRank(L a, Index rank, Index outputs, double scale)
        : a_{std::move(a)}, b_{rank, outputs, {.bias = false}}, scale_{static_cast<Scalar>(scale)} {
        b_.weight().mutable_value().fill(0);
    }
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) { return b_(a_(x) * scale_); }
    void visit(nn::Visitor<Scalar>& visitor) {
        visitor("a", a_);
        visitor("b", b_);
    }

private:
    L a_;
    nn::Linear<Scalar> b_;
    Scalar scale_;
};

/// A layer with its adapters, which has the paths that it had alone.
template <class L>
class Adapted : public nn::Module<Adapted<L>, typename L::value_type> {
public:
    using Scalar = typename L::value_type;

    Adapted(L layer, std::vector<LowRank<L>> shared, std::vector<LowRank<L>> own, bool add_shared)
        : layer_{std::move(layer)}, shared_{std::move(shared)}, own_{std::move(own)}, add_shared_{add_shared} {}

    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) {
        auto& run = AdapterRun<Scalar>::here();
        if (!run.is_shared())
            return run.kept() + own_[run.task()](x);
        const auto plain = layer_(x);
        auto adapted = shared_.empty() ? plain : plain + shared_[0](x);
        if (!own_.empty())
            run.keep(add_shared_ ? adapted : plain);
        return adapted;
    }

    void visit(nn::Visitor<Scalar>& visitor) {
        layer_.visit(visitor);
        visitor("shared", shared_);
        visitor("own", own_);
    }

private:
    L layer_;
    nn::Children<LowRank<L>> shared_;  ///< one, or none
    nn::Children<LowRank<L>> own_;     ///< of each task, or none
    bool add_shared_;
};

}  // namespace detail

/// Agiza, Neseem and Reda, "MTLoRA: a low-rank adaptation approach for efficient multi-task learning" (CVPR 2024, arXiv:2403.20320).
///
/// Every linear layer and every convolution W of a frozen trunk has adapters: what all tasks share goes on with W x + scale B A x, and
/// from layer `first` on task t with W x + task_scale B_t A_t x_t, x what is shared and x_t what the task had of the layer before, at
/// first the same. So W is applied once for all tasks; the other layers run for each. The features are what each task has in the end. A
/// (rank, in) is drawn as a layer's weights are, of a convolution as one with `rank` filters of the same window; B (out, rank) is 0 at
/// first, so that all tasks begin with what the trunk computes.
///
/// Of a layer `0` the paths are `0.weight` and `0.bias`, as they were, `0.shared.0.a.weight`, `0.own.<task>.b.weight` and so on. The last
/// layer that is adapted has no shared adapter unless `add_shared`: nobody would read it. Reached are layers that are held as an
/// `nn::Layer`, at any depth, as in a `Sequential` and all trunks of the library; convolutions of groups stay as they are. `nn::thaw`
/// of a part trains it as well; the statistics of a batch normalisation then move with what is shared, and with each task's.
template <class Scalar = float>
class LowRankAdapters : public nn::Module<LowRankAdapters<Scalar>, Scalar> {
public:
    /// For so many heads. @throws ValueError for no task, a rank below 1, a scale that is not finite, or a trunk without a layer to adapt
    /// from `first` on
    LowRankAdapters(nn::Sequential<Scalar> trunk, std::size_t tasks, LowRankAdaptersOptions options = {})
        : trunk_{std::move(trunk)}, tasks_{tasks}, first_{options.first} {
        require<ValueError>(tasks > 0 && options.rank > 0, "LowRankAdapters", "expected at least one task and a rank of at least 1, got ",
                            tasks, " and ", options.rank);
        require<ValueError>(is_finite(options.scale) && is_finite(options.task_scale), "LowRankAdapters", "expected finite scales, got ",
                            options.scale, " and ", options.task_scale);
        nn::freeze(trunk_);
        std::vector<Place> places;
        std::size_t index = 0;
        for (nn::Layer<Scalar>& of_trunk : trunk_) {
            nn::detail::CollectLayers<Scalar> held;
            of_trunk.visit(held);
            for (nn::Layer<Scalar>* const layer : held.layers)
                if (is_adaptable(*layer))
                    places.push_back({layer, true, index >= first_ ? tasks : 0});
            ++index;
        }
        require<ValueError>(!places.empty() && places.back().own > 0, "LowRankAdapters",
                            "expected a linear layer or a convolution to adapt from layer ", first_, " on, got none");
        places.back().shared = options.add_shared;
        for (const Place& place : places) {
            adapt<nn::Linear<Scalar>>(place, options);
            adapt<nn::Conv2d<Scalar>>(place, options);
        }
    }

    /// @throws what a layer throws; a ShapeError says for which task
    [[nodiscard]] Features<Scalar> operator()(const Variable<Scalar>& input) {
        detail::AdapterRun<Scalar> run;
        const auto place = [](const ShapeError&) { return "trunk"; };
        const auto common = nn::detail::naming_place([&] { return trunk_.run(input, 0, first_); }, place);
        (void)nn::detail::naming_place([&] { return trunk_.run(common, first_, trunk_.size()); }, place);
        Features<Scalar> result;
        for (std::size_t task = 0; task < tasks_; ++task) {
            run.begin(task);
            result.push_back(nn::detail::naming_place([&] { return trunk_.run(common, first_, trunk_.size()); },
                                                      [&](const ShapeError&) { return concat("the trunk for task ", task); }));
        }
        return result;
    }

    void visit(nn::Visitor<Scalar>& visitor) { trunk_.visit(visitor); }

private:
    /// Where an adapted layer comes, and how many adapters it has.
    struct Place {
        nn::Layer<Scalar>* layer;
        bool shared;
        std::size_t own;
    };

    [[nodiscard]] static bool is_adaptable(nn::Layer<Scalar>& layer) {
        const auto* const convolution = layer.template get_if<nn::Conv2d<Scalar>>();
        return layer.template get_if<nn::Linear<Scalar>>() || (convolution && convolution->options().groups == 1);
    }

    /// The first part of an adapter: what `layer` reads, to `rank` features.
    [[nodiscard]] static nn::Linear<Scalar> reduced(nn::Linear<Scalar>& layer, Index rank) {
        return {layer.weight().shape()[1], rank, {.bias = false}};
    }
    [[nodiscard]] static nn::Conv2d<Scalar> reduced(nn::Conv2d<Scalar>& layer, Index rank) {
        const Shape weight = layer.weight().shape();
        auto options = layer.options();
        options.bias = false;
        return {weight[3], rank, {weight[1], weight[2]}, options};
    }

    template <class L>
    static void adapt(const Place& place, const LowRankAdaptersOptions& options) {
        L* const layer = place.layer->template get_if<L>();
        if (!layer)
            return;
        const auto adapters = [&](std::size_t count, double scale) {
            std::vector<detail::LowRank<L>> result;
            for (std::size_t i = 0; i < count; ++i)
                result.emplace_back(reduced(*layer, options.rank), options.rank, layer->weight().shape()[0], scale);
            return result;
        };
        auto shared = adapters(place.shared ? 1 : 0, options.scale);
        auto own = adapters(place.own, options.task_scale);
        *place.layer = detail::Adapted<L>{std::move(*layer), std::move(shared), std::move(own), options.add_shared};
    }

    nn::Sequential<Scalar> trunk_;
    std::size_t tasks_;
    std::size_t first_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
