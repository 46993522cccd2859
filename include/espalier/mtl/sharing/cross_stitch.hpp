// SPDX-License-Identifier: MIT
/// @file Cross-stitch networks: columns that mix what they found by weights that are learned.
#pragma once

#include <espalier/autograd/mix.hpp>
#include <espalier/autograd/reshape.hpp>
#include <espalier/core/finite.hpp>
#include <espalier/mtl/sharing/columns.hpp>

#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::mtl {

/// Of a `CrossStitch`.
struct CrossStitchOptions {
    std::vector<std::size_t> after = {};  ///< after how many layers columns exchange, ascending; none stands for after each layer
    double own = 0.9;                     ///< a column's first weight for what it found itself; the others share what is left to 1
};

/// Misra, Shrivastava, Gupta and Hebert, "Cross-stitch networks for multi-task learning" (CVPR 2016, arXiv:1604.03539).
///
/// Every task has a column of layers, and after a stage column i goes on with sum over j of a_ij x_j. Of the places k there is one
/// parameter, `units.<k>` (T, T), of weights for whole feature maps, as in the paper, which gives them a larger learning rate than
/// the rest. Its columns are networks that were trained for their tasks alone; any will do. LibMTL starts with all weights 1.
template <class Scalar = float>
class CrossStitch : public nn::Module<CrossStitch<Scalar>, Scalar> {
public:
    /// One column for each head. @throws ValueError for columns of different depths, places that are not there, or a weight that is
    /// not finite
    explicit CrossStitch(std::vector<nn::Layer<Scalar>> columns, CrossStitchOptions options = {})
        : columns_{"CrossStitch", std::move(columns), std::move(options.after)} {
        require<ValueError>(is_finite(options.own), "CrossStitch", "expected a finite first weight, got ", options.own);
        const auto tasks = static_cast<Index>(columns_.size());
        const auto other = static_cast<Scalar>(tasks > 1 ? (1 - options.own) / static_cast<double>(tasks - 1) : 0);
        for (std::size_t k = 0; k < columns_.exchanges(); ++k) {
            auto unit = Tensor<Scalar>::full({tasks, tasks}, other);
            for (Index i = 0; i < tasks; ++i)
                unit.at(i, i) = static_cast<Scalar>(tasks > 1 ? options.own : 1);
            units_.push_back(nn::Parameter<Scalar>{std::move(unit)});
        }
    }

    /// @throws ShapeError if columns that exchange have outputs of different shapes, and what a layer throws
    [[nodiscard]] Features<Scalar> operator()(const Variable<Scalar>& input) {
        return columns_.run(input, [this](std::size_t k, const Features<Scalar>& found) {
            const auto tasks = static_cast<Index>(found.size());
            Features<Scalar> mixed;
            for (Index i = 0; i < tasks; ++i)
                mixed.push_back(autograd::mix<Scalar>(found, autograd::reshape(autograd::narrow(units_[k].variable(), 0, i, 1), {tasks})));
            return mixed;
        });
    }

    void visit(nn::Visitor<Scalar>& visitor) {
        visitor("columns", columns_);
        visitor("units", units_);
    }

private:
    detail::LayerColumns<Scalar> columns_;
    nn::Children<nn::Parameter<Scalar>> units_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
