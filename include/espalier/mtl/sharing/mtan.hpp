// SPDX-License-Identifier: MIT
/// @file Multi-task attention: one trunk, of which each task masks what it needs, stage by stage.
#pragma once

#include <espalier/autograd/activation.hpp>
#include <espalier/autograd/arithmetic.hpp>
#include <espalier/autograd/reshape.hpp>
#include <espalier/mtl/sharing.hpp>
#include <espalier/nn/sequential.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::mtl {

/// What the tasks have at one stage of a trunk.
template <class Scalar = float>
struct AttentionStage {
    nn::Children<nn::Layer<Scalar>> masks = {};    ///< of each task: scores of the shape of what the trunk found
    nn::Children<nn::Layer<Scalar>> carries = {};  ///< of each task: what the next mask reads, at the last stage its features

    void visit(nn::Visitor<Scalar>& visitor) {
        visitor("masks", masks);
        visitor("carries", carries);
    }
};

/// Of an `MTAN`.
struct MTANOptions {
    std::vector<std::size_t> after = {};  ///< after how many layers of the trunk a stage ends, ascending to all; none stands for each layer
};

/// Liu, Johns and Davison, "End-to-end multi-task learning with attention" (CVPR 2019, arXiv:1803.10704).
///
/// One trunk for all tasks. At stage j, u is what its last layer reads and p what that layer makes of it; task i has a mask a =
/// sigmoid(mask([u; v])) and goes on with v = carry(a p), v of the stage before beside the channels of u, at the first stage u alone.
/// The v of the last stage are the features. In the paper a trunk's stage is two convolutions, a mask two 1x1 convolutions, each with
/// batch normalisation, and a ReLU between them, and a carry a 3x3 convolution and the pooling that the trunk has there; any layers
/// will do whose shapes fit. Paths: `trunk`, `stages.<j>.masks.<task>` and `stages.<j>.carries.<task>`.
template <class Scalar = float>
class MTAN : public nn::Module<MTAN<Scalar>, Scalar> {
public:
    /// @throws ValueError for places that are not there or do not end with the trunk, another number of stages than that of the places,
    /// or masks and carries that are not one for each task
    MTAN(nn::Sequential<Scalar> trunk, std::vector<AttentionStage<Scalar>> stages, MTANOptions options = {})
        : trunk_{std::move(trunk)}, stages_{std::move(stages)}, ends_{std::move(options.after)} {
        const std::size_t layers = trunk_.size();
        const bool each = ends_.empty();
        for (std::size_t end = 1; each && end <= layers; ++end)
            ends_.push_back(end);
        require<ValueError>(!ends_.empty() && std::is_sorted(ends_.begin(), ends_.end(), std::less_equal<>{}) && ends_[0] > 0 &&
                                ends_.back() == layers,
                            "MTAN", "expected stages that end after ascending layers, the last of ", layers, " at last, got ",
                            ends_.empty() ? "none" : concat(ends_.size(), " that end after ", ends_.back()));
        require<ValueError>(stages_.size() == ends_.size(), "MTAN", "expected masks and carries at each of ", ends_.size(), " stages, got ",
                            stages_.size());
        const std::size_t tasks = stages_[0].masks.size();
        for (std::size_t j = 0; j < stages_.size(); ++j)
            require<ValueError>(tasks > 0 && stages_[j].masks.size() == tasks && stages_[j].carries.size() == tasks, "MTAN",
                                "expected a mask and a carry for each of ", tasks, " tasks, got ", stages_[j].masks.size(), " and ",
                                stages_[j].carries.size(), " at stage ", j);
    }

    /// @throws ShapeError for a mask of another shape than what it masks; and what a layer throws
    [[nodiscard]] Features<Scalar> operator()(const Variable<Scalar>& input) {
        Features<Scalar> values(stages_[0].masks.size(), input);
        Variable<Scalar> found = input;
        for (std::size_t j = 0; j < stages_.size(); ++j)
            nn::detail::naming_place([&] { run(j, found, values); }, [&](const ShapeError&) { return concat("stage ", j); });
        return values;
    }

    void visit(nn::Visitor<Scalar>& visitor) {
        visitor("trunk", trunk_);
        visitor("stages", stages_);
    }

private:
    void run(std::size_t j, Variable<Scalar>& found, Features<Scalar>& values) {
        const auto part = [&](const Variable<Scalar>& x, std::size_t first, std::size_t last) {
            return nn::detail::naming_place([&] { return trunk_.run(x, first, last); }, [](const ShapeError&) { return "trunk"; });
        };
        const auto read = part(found, j ? ends_[j - 1] : 0, ends_[j] - 1);
        found = part(read, ends_[j] - 1, ends_[j]);
        AttentionStage<Scalar>& stage = stages_[j];
        for (std::size_t i = 0; i < stage.masks.size(); ++i)
            nn::detail::naming_place(
                [&] {
                    const auto scores = stage.masks[i](j == 0 ? read : autograd::cat({read, values[i]}, -1));
                    require<ShapeError>(scores.shape() == found.shape(), "MTAN", "expected a mask ", found.shape(), ", got ",
                                        scores.shape());
                    values[i] = stage.carries[i](autograd::sigmoid(scores) * found);
                },
                [&](const ShapeError&) { return concat("task ", i); });
    }

    nn::Sequential<Scalar> trunk_;
    nn::Children<AttentionStage<Scalar>> stages_;
    std::vector<std::size_t> ends_;  ///< of stages, as counts of layers
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
