// SPDX-License-Identifier: MIT
/// @file Feature pyramids (Lin, Dollár, Girshick, He, Hariharan and Belongie, Feature Pyramid Networks for Object Detection, CVPR 2017).
#pragma once

#include <espalier/autograd/arithmetic.hpp>
#include <espalier/autograd/upsample.hpp>
#include <espalier/nn/children.hpp>
#include <espalier/nn/sequential.hpp>

#include <cstddef>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::nn::trunks {

/// A stage of a trunk whose map a pyramid takes.
struct PyramidStage {
    std::size_t stage = 0;  ///< which element of the trunk, from 0 on
    Index channels = 0;     ///< of the map that it gives
};

/// Of a `FeaturePyramid`.
struct FeaturePyramidOptions {
    Index channels = 256;  ///< of every map that comes out
};

/// A trunk with a way back up: to a 1x1 convolution of each stage's map, the sum of the coarser ones is added, brought to its size by the
/// nearest pixel, and a 3x3 convolution of that comes out. So a fine map, too, knows what only the last stages see.
/// @code
/// nn::trunks::FeaturePyramid trunk{nn::trunks::resnet18(3, {.pool = false}), {{1, 64}, {2, 128}, {3, 256}, {4, 512}}, {.channels = 64}};
/// mtl::MultiTaskNet net{trunk, {{"objects", vision::center_head(64, 10)}}};       // (N, H / 4, W / 4, 64) for the head
/// @endcode
/// Parameters are named `body.` and as in the trunk, then `inner_blocks.0.0.weight` and `layer_blocks.0.0.weight`, as torchvision's
/// FeaturePyramidNetwork has them. Both kinds start as there: uniform within sqrt(3 / fan in), biases 0.
template <class Scalar = float>
class FeaturePyramid : public Module<FeaturePyramid<Scalar>, Scalar> {
public:
    /// Stages behind the last one that is taken are left out.
    /// @throws ValueError unless at least one stage is taken, they rise, the trunk has them, and all channels are above 0.
    FeaturePyramid(Sequential<Scalar> trunk, std::vector<PyramidStage> stages, const FeaturePyramidOptions& options = {})
        : stages_{std::move(stages)} {
        require<ValueError>(!stages_.empty(), "FeaturePyramid", "expected at least one stage, got none");
        for (std::size_t i = 0; i < stages_.size(); ++i) {
            const auto& [stage, channels] = stages_[i];
            require<ValueError>(stage < trunk.size() && (i == 0 || stage > stages_[i - 1].stage), "FeaturePyramid",
                                "expected rising stages of the ", trunk.size(), " that the trunk has, got ", stage, " at place ", i);
            require<ValueError>(channels > 0 && options.channels > 0, "FeaturePyramid", "expected channels above 0, got ", channels,
                                " of stage ", stage, " and ", options.channels, " of the maps");
        }
        std::size_t number = 0;
        for (auto& stage : trunk)
            if (number++ <= stages_.back().stage)
                body_.add(std::move(stage));
        for (const auto& [stage, channels] : stages_) {
            inner_blocks_.push_back(block(channels, options.channels, 1));
            layer_blocks_.push_back(block(options.channels, options.channels, 3));
        }
    }

    /// The finest map alone: (N, H, W, C) gives (N, h, w, channels), h and w those of the first stage taken. The 3x3 convolutions of the
    /// others are not run and learn nothing from it. @throws ShapeError
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) {
        const nn::detail::ForwardScope call;
        return layer_blocks_[0](sums(x)[0]);
    }

    /// All maps (N, h, w, channels), the finest first. @throws ShapeError
    [[nodiscard]] PoolVector<Variable<Scalar>> levels(const Variable<Scalar>& x) {
        const nn::detail::ForwardScope call;
        auto maps = sums(x);
        for (std::size_t i = 0; i < maps.size(); ++i)
            maps[i] = layer_blocks_[i](maps[i]);
        return maps;
    }

    void visit(Visitor<Scalar>& visitor) {
        visitor("body", body_);
        visitor("inner_blocks", inner_blocks_);
        visitor("layer_blocks", layer_blocks_);
    }

private:
    [[nodiscard]] static Sequential<Scalar> block(Index in, Index out, Index kernel) {
        Conv2d<Scalar> convolution{in, out, kernel, {.padding = kernel / 2}};
        Random random = new_random();
        init::kaiming_uniform(convolution.weight().mutable_value(), random, 1);
        convolution.bias().mutable_value().fill(0);
        return {std::move(convolution)};
    }

    /// The maps before their 3x3 convolutions.
    [[nodiscard]] PoolVector<Variable<Scalar>> sums(const Variable<Scalar>& x) {
        PoolVector<Variable<Scalar>> maps;
        Variable<Scalar> y = x;
        std::size_t next = 0;
        for (const PyramidStage& taken : stages_) {
            y = nn::detail::naming_place([&] { return body_.run(y, next, taken.stage + 1); }, [](const ShapeError&) { return "body"; });
            require<ShapeError>(y.rank() == 4 && y.size(3) == taken.channels, "FeaturePyramid", "expected a map (N, H, W, ", taken.channels,
                                ") of stage ", taken.stage, ", got ", y.shape());
            maps.push_back(y);
            next = taken.stage + 1;
        }
        for (std::size_t i = maps.size(); i-- > 0;) {
            maps[i] = inner_blocks_[i](maps[i]);
            if (i + 1 < maps.size())
                maps[i] = maps[i] + like(maps[i + 1], maps[i].shape());
        }
        return maps;
    }

    [[nodiscard]] static Variable<Scalar> like(const Variable<Scalar>& x, const Shape& shape) {
        if (x.size(1) == shape[1] && x.size(2) == shape[2])
            return x;
        return autograd::upsample_nearest2d(x, {shape[1], shape[2]});
    }

    std::vector<PyramidStage> stages_;
    Sequential<Scalar> body_;
    Children<Sequential<Scalar>> inner_blocks_;
    Children<Sequential<Scalar>> layer_blocks_;
};

}  // namespace espalier::inline ESPALIER_ABI::nn::trunks
