// SPDX-License-Identifier: MIT
/// @file Linear layers one behind the other, for tables.
#pragma once

#include <espalier/nn/activation.hpp>
#include <espalier/nn/dropout.hpp>
#include <espalier/nn/normalization.hpp>
#include <espalier/nn/sequential.hpp>

#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::nn::trunks {

/// Of an `mlp`.
template <class Scalar = float>
struct MLPOptions {
    std::vector<Index> widths = {};  ///< of the linear layers; at least one
    Layer<Scalar> activation = ReLU{};  ///< any layer; each linear layer has a copy behind it
    bool batch_norm = false;  ///< between linear layer and activation
    double dropout = 0;  ///< behind each activation
};

/// A stage for each width: linear layer, batch normalisation if any, activation, dropout if any, in torchvision's order. (N, features)
/// gives (N, last width). Named by `0.0.weight`, `0.0.bias`, and `0.1.weight` and so on of the normalisation.
/// @throws ValueError for no features, no widths, or a dropout outside [0, 1).
template <class Scalar = float>
[[nodiscard]] Sequential<Scalar> mlp(Index features, const MLPOptions<Scalar>& options) {
    require<ValueError>(!options.widths.empty(), "mlp", "expected at least one width, got none");
    Sequential<Scalar> trunk;
    for (const Index width : options.widths) {
        Sequential<Scalar> stage{Linear<Scalar>{features, width}};
        if (options.batch_norm)
            stage.add(BatchNorm<Scalar>{width});
        stage.add(options.activation);
        if (options.dropout != 0)
            stage.add(Dropout{options.dropout});
        trunk.add(std::move(stage));
        features = width;
    }
    return trunk;
}

}  // namespace espalier::inline ESPALIER_ABI::nn::trunks
