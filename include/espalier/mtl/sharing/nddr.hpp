// SPDX-License-Identifier: MIT
/// @file NDDR-CNN: columns that read the channels of all columns.
#pragma once

#include <espalier/autograd/reshape.hpp>
#include <espalier/core/finite.hpp>
#include <espalier/mtl/sharing/columns.hpp>
#include <espalier/nn/linear.hpp>
#include <espalier/nn/normalization.hpp>

#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::mtl {

/// Of an `NDDR`.
struct NDDROptions {
    std::vector<Index> channels = {};     ///< of a column's output at each place of exchange
    std::vector<std::size_t> after = {};  ///< after how many layers columns exchange, ascending; none stands for after each layer
    double own = 0.9;                     ///< first weight of a column's own channel; the others' share what is left to 1
    bool batch_norm = true;               ///< after the fusion, as in the paper
};

/// Gao, Ma, Zhao, Liu and Yuille, "NDDR-CNN: Layerwise feature fusing in multi-task CNNs by neural discriminative dimensionality
/// reduction" (CVPR 2019, arXiv:1801.08297).
///
/// Every task has a column of layers, and after a stage it goes on with a 1x1 convolution of the channels of all columns, (..., T C) to
/// (..., C), and batch normalisation. Parameters `fusions.<k>.<task>.weight` (C, T C), which begin with `own` on the own channels'
/// diagonal and the rest to 1 on the others', and `norms.<k>.<task>`.
template <class Scalar = float>
class NDDR : public nn::Module<NDDR<Scalar>, Scalar> {
public:
    /// One column for each head. @throws ValueError for columns of different depths, or not a count of channels for each place
    NDDR(std::vector<nn::Layer<Scalar>> columns, NDDROptions options) : columns_{"NDDR", std::move(columns), std::move(options.after)} {
        require<ValueError>(options.channels.size() == columns_.exchanges(), "NDDR", "expected the channels at ", columns_.exchanges(),
                            " places, got ", options.channels.size());
        require<ValueError>(is_finite(options.own), "NDDR", "expected a finite first weight, got ", options.own);
        const auto tasks = static_cast<Index>(columns_.size());
        const double other = tasks > 1 ? (1 - options.own) / static_cast<double>(tasks - 1) : 0;
        for (const Index channels : options.channels) {
            nn::Children<nn::Linear<Scalar>> fusions;
            nn::Children<nn::BatchNorm<Scalar>> norms;
            for (Index i = 0; i < tasks; ++i) {
                fusions.push_back(nn::Linear<Scalar>{tasks * channels, channels, {.bias = false}});
                auto& weight = fusions[static_cast<std::size_t>(i)].weight().mutable_value();
                weight.fill(0);
                for (Index c = 0; c < channels; ++c)
                    for (Index j = 0; j < tasks; ++j)
                        weight.at(c, j * channels + c) = static_cast<Scalar>(tasks == 1 ? 1 : j == i ? options.own : other);
                if (options.batch_norm)
                    norms.push_back(nn::BatchNorm<Scalar>{channels});
            }
            fusions_.push_back(std::move(fusions));
            norms_.push_back(std::move(norms));
        }
    }

    /// @throws ShapeError for a column with other channels than were told, or of another shape than its neighbours; and what a layer
    /// throws
    [[nodiscard]] Features<Scalar> operator()(const Variable<Scalar>& input) {
        return columns_.run(input, [this](std::size_t k, const Features<Scalar>& found) {
            const auto all = autograd::cat<Scalar>(found, -1);
            Features<Scalar> fused;
            for (std::size_t i = 0; i < found.size(); ++i) {
                const auto own = fusions_[k][i](all);
                fused.push_back(norms_[k].empty() ? own : norms_[k][i](own));
            }
            return fused;
        });
    }

    void visit(nn::Visitor<Scalar>& visitor) {
        visitor("columns", columns_);
        visitor("fusions", fusions_);
        visitor("norms", norms_);
    }

private:
    detail::LayerColumns<Scalar> columns_;
    nn::Children<nn::Children<nn::Linear<Scalar>>> fusions_;
    nn::Children<nn::Children<nn::BatchNorm<Scalar>>> norms_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
