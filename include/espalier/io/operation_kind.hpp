// SPDX-License-Identifier: MIT
/// @file What an operation of the tape does to the order of elements, by its name.
#pragma once

#include <espalier/core/config.hpp>

#include <string_view>
#include <utility>

namespace espalier::inline ESPALIER_ABI::io::detail {

enum class OperationKind {
    convolution,    ///< image or sequence, weight, maybe bias: an image or a sequence
    linear,         ///< rows, weight (out, in), maybe bias; or sequences and what a recurrent layer has of such
    matmul,         ///< rows, weight (in, out)
    normalisation,  ///< values, and a weight and a bias for each channel
    reshape,
    concatenation,
    reduction,      ///< over all or over one axis
    embedding,
    spatial,        ///< images to images; what it makes of anything else, it moves
    attention,      ///< sequences to a sequence, each with its channels at the end
    along,          ///< windows that slide along a sequence, for each channel
    elementwise,    ///< each element or each row alone, whatever the order in it
    unknown,
};

/// What the library's own operations are. A fused one has the name of its parts: `conv2d_relu`.
[[nodiscard]] inline OperationKind kind_of(std::string_view operation) noexcept {
    using enum OperationKind;
    // clang-format off
    static constexpr std::pair<std::string_view, OperationKind> names[] = {
        {"linear", linear}, {"linear_relu", linear}, {"matmul", matmul}, {"batch_norm", normalisation}, {"layer_norm", normalisation},
        {"batch_norm_relu", normalisation}, {"batch_norm_add_relu", normalisation},
        {"reshape", reshape}, {"cat", concatenation}, {"sum", reduction}, {"max", reduction}, {"embedding", embedding},
        {"narrow", spatial}, {"max_pool2d", spatial}, {"avg_pool2d", spatial}, {"upsample_nearest2d", spatial},
        {"upsample_bilinear2d", spatial}, {"relu", elementwise}, {"relu6", elementwise}, {"leaky_relu", elementwise},
        {"sigmoid", elementwise}, {"tanh", elementwise}, {"gelu", elementwise}, {"exp", elementwise}, {"log", elementwise}, {"sqrt", elementwise},
        {"scale", elementwise}, {"shift", elementwise}, {"dropout", elementwise}, {"softmax", elementwise},
        {"log_softmax", elementwise}, {"add", elementwise}, {"subtract", elementwise}, {"multiply", elementwise},
        {"divide", elementwise}, {"weighted_sum", elementwise}, {"logit_product", elementwise}, {"conv2d", convolution},
        {"conv2d_relu", convolution}, {"conv2d_relu_max_pool2d", convolution}, {"conv_transpose2d", convolution},
        {"adaptive_avg_pool2d", spatial}, {"adaptive_max_pool2d", spatial}, {"group_norm", normalisation},
        {"scaled_dot_product_attention", attention}, {"self_attention", attention},
        {"gru", linear}, {"lstm", linear}, {"rms_norm", normalisation},
        {"conv1d", convolution}, {"max_pool1d", along}, {"avg_pool1d", along},
        {"mask_padding", elementwise}, {"sequence_mean", reduction}, {"sequence_max", reduction}, {"sequence_last", reduction},
        {"rotary_embedding", spatial}, {"swiglu", spatial},
    };
    // clang-format on
    for (const auto& [name, kind] : names)
        if (name == operation)
            return kind;
    return unknown;
}

}  // namespace espalier::inline ESPALIER_ABI::io::detail
