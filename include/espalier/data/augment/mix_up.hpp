// SPDX-License-Identifier: MIT
/// @file Samples that are mixed of two, and their targets with them.
#pragma once

#include <espalier/core/named.hpp>
#include <espalier/core/random.hpp>
#include <espalier/data/augment/cut_out.hpp>
#include <espalier/data/augment/mixing.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::data {

/// Designated initialisers stand in this order.
struct MixUpOptions {
    /// How many classes each task with class indices has: (N, ...) become probabilities (N, ..., C), which CrossEntropy takes.
    Named<Index> classes = {};
    /// Tasks whose targets are objects (N, M, 5): those of both images are there afterwards, (N, 2M, 5).
    std::vector<std::string> boxes = {};
    Index ignore_index = -100;  ///< class index that counts for nothing
};

/// Designated initialisers stand in this order.
struct CutMixOptions {
    Named<Index> classes = {};  ///< as of MixUpOptions
    /// Tasks whose targets lie on the pixels, such as a segmentation: class indices (N, H, W) or values (N, H, W, ...), which are pasted
    /// as the image is.
    std::vector<std::string> targets = {};
    Index ignore_index = -100;  ///< class index that counts for nothing
};

namespace detail {

class MixUp {
public:
    MixUp(double alpha, MixUpOptions options) : alpha_{alpha}, options_{std::move(options)} {
        check_mixing("mix_up", alpha, options_.classes);
        static_cast<void>(checked("mix_up", AugmentOptions{.boxes = options_.boxes}));
        for (const std::string& task : options_.boxes)
            require<ValueError>(!options_.classes.find(task), "mix_up", "expected task '", task, "' in .classes or .boxes, got both");
    }

    template <class Scalar>
    void operator()(Batch<Scalar>& batch, Random& random) const {
        const Index samples = check_inputs("mix_up", batch);
        for (const auto& [task, count] : options_.classes)
            static_cast<void>(batch.targets.at(task));
        for (const std::string& task : options_.boxes)
            check_rows("mix_up", batch, task, samples, 5, "(N, M, 5)", "x1, y1, x2, y2 and class of objects");
        for (const auto& [task, target] : batch.targets)
            if (!has_boxes(task))
                check_classes("mix_up", task, target, options_.classes, options_.ignore_index);
        Mixing mixing{.partner = random.permutation(samples)};
        mixing.share = draw_beta(alpha_, random);
        change_inputs(batch, [&](Tensor<Scalar>& values) { mix_values(values, mixing); });
        for (auto& [task, target] : batch.targets) {
            const Index* const classes = options_.classes.find(task);
            if (has_boxes(task))
                join_objects(target, mixing);
            else
                mix_target(target, mixing, options_.ignore_index, classes ? *classes : 1);
        }
    }

private:
    [[nodiscard]] bool has_boxes(const std::string& task) const {
        return std::find(options_.boxes.begin(), options_.boxes.end(), task) != options_.boxes.end();
    }

    template <class Scalar>
    static void join_objects(losses::Target<Scalar>& target, const Mixing& mixing) {
        auto beside = mixed_options(target, mixing, 0, 1);
        const Tensor<Scalar>& own = target.values();
        const Tensor<Scalar> others = own.gather(mixing.partner);
        auto both = Tensor<Scalar>::empty(own.shape().with(1, 2 * own.size(1)));
        const Index numel = target.sample_numel();
        for (Index i = 0; i < own.size(0); ++i) {
            std::copy_n(own.data() + i * numel, numel, both.data() + 2 * i * numel);
            std::copy_n(others.data() + i * numel, numel, both.data() + (2 * i + 1) * numel);
        }
        target = {std::move(both), std::move(beside)};
    }

    double alpha_;
    MixUpOptions options_;
};

/// The part of image i of (N, H, W, ...) becomes that of its partner.
template <class T>
void paste_part(Tensor<T>& images, const std::vector<Index>& partner, const Part& part) {
    const Tensor<T> others = images.gather(partner);
    const Index pixel = images.shape().product(3, images.rank());
    for (Index i = 0; i < images.size(0); ++i)
        for (Index row = part.top; row < part.bottom; ++row) {
            const Index first = ((i * images.size(1) + row) * images.size(2) + part.left) * pixel;
            std::copy_n(others.data() + first, (part.right - part.left) * pixel, images.data() + first);
        }
}

class CutMix {
public:
    CutMix(double alpha, CutMixOptions options) : alpha_{alpha}, options_{std::move(options)} {
        check_mixing("cut_mix", alpha, options_.classes);
        static_cast<void>(checked("cut_mix", AugmentOptions{.targets = options_.targets}));
        for (const std::string& task : options_.targets)
            require<ValueError>(!options_.classes.find(task), "cut_mix", "expected task '", task, "' in .classes or .targets, got both");
    }

    template <class Scalar>
    void operator()(Batch<Scalar>& batch, Random& random) const {
        const Pair size = check(batch);
        Mixing mixing{.partner = random.permutation(batch.size())};
        const double cut = std::sqrt(1 - draw_beta(alpha_, random));
        Part part;
        if (size.height > 0 && size.width > 0) {
            const auto share_of = [&](Index extent) { return static_cast<Index>(std::llround(cut * static_cast<double>(extent))); };
            part = draw_part(size, {share_of(size.height), share_of(size.width)}, random);
            mixing.share = 1 - static_cast<double>(part.area()) / static_cast<double>(size.height * size.width);
        }
        change_inputs(batch, [&](Tensor<Scalar>& images) { paste_part(images, mixing.partner, part); });
        for (auto& [task, target] : batch.targets) {
            const Index* const classes = options_.classes.find(task);
            if (on_pixels(task))
                paste_target(target, mixing, part);
            else
                mix_target(target, mixing, options_.ignore_index, classes ? *classes : 1);
        }
    }

private:
    [[nodiscard]] bool on_pixels(const std::string& task) const {
        return std::find(options_.targets.begin(), options_.targets.end(), task) != options_.targets.end();
    }

    /// The size of the images, which all inputs have.
    template <class Scalar>
    [[nodiscard]] Pair check(const Batch<Scalar>& batch) const {
        static_cast<void>(check_inputs("cut_mix", batch));
        const std::string first = batch.inputs.empty() ? std::string{} : (*batch.inputs.begin()).first;
        const Shape shape = check_images("cut_mix", batch, AugmentOptions{.targets = options_.targets, .input = first});
        for (const auto& [name, input] : batch.inputs)
            require<ShapeError>(input.shape().rank() == 4 && input.shape().axes(0, 3) == shape.axes(0, 3), "cut_mix",
                                "expected images (N, H, W, C) of the size of input '", first, "' ", shape, " in input '", name,
                                "', got shape ", input.shape());
        for (const auto& [task, count] : options_.classes)
            static_cast<void>(batch.targets.at(task));
        for (const auto& [task, target] : batch.targets)
            if (!on_pixels(task))
                check_classes("cut_mix", task, target, options_.classes, options_.ignore_index);
        return {shape[1], shape[2]};
    }

    /// What is pasted counts where it did before.
    template <class Scalar>
    void paste_target(losses::Target<Scalar>& target, const Mixing& mixing, const Part& part) const {
        losses::TargetOptions<Scalar> beside = target.options();
        if (target.mask() || target.weight()) {
            beside.mask = counted(target, true, options_.ignore_index);
            paste_part(*beside.mask, mixing.partner, part);
        }
        if (beside.weight)
            mix_values(*beside.weight, mixing);
        if (target.has_labels()) {
            Tensor<Index> labels = target.labels();
            paste_part(labels, mixing.partner, part);
            target = {std::move(labels), std::move(beside)};
        } else {
            Tensor<Scalar> values = target.values();
            paste_part(values, mixing.partner, part);
            target = {std::move(values), std::move(beside)};
        }
    }

    double alpha_;
    CutMixOptions options_;
};

}  // namespace detail

/// Adds to each sample another one of the batch, lambda x_i + (1 - lambda) x_j with lambda from Beta(alpha, alpha), drawn once for the
/// batch: mixup (Zhang et al., "mixup: beyond empirical risk minimization", ICLR 2018). Inputs may be of any shape, all of them numbers.
/// Targets are mixed by the same lambda: class indices become probabilities of as many classes as `classes` says, values become means. A
/// sample counts for a task where both do, with the mean of their weights. Comes last in a `compose`: there are no class indices after it.
/// @throws ValueError for an alpha that is not above 0 and finite, or a task named twice; when called ValueError for class indices of a
/// task without its number of classes, or out of them, StateError for an input that is no numbers or a task that is not there,
/// ShapeError for what are no objects
[[nodiscard]] inline auto mix_up(double alpha, MixUpOptions options = {}) { return detail::MixUp{alpha, std::move(options)}; }

/// Pastes a part of another image of the batch over each, the same part for all, around any pixel and with a share 1 - lambda of the area
/// before it is cut at the edges, lambda from Beta(alpha, alpha): CutMix (Yun et al., "CutMix: regularization strategy to train strong
/// classifiers with localizable features", ICCV 2019). Targets on the pixels are pasted, all others mixed by the share of the area that
/// is left, as `mix_up` does; boxes and key points cannot be mixed. @throws as `mix_up`, and ShapeError for what is no image
[[nodiscard]] inline auto cut_mix(double alpha, CutMixOptions options = {}) { return detail::CutMix{alpha, std::move(options)}; }

}  // namespace espalier::inline ESPALIER_ABI::data
