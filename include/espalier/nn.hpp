// SPDX-License-Identifier: MIT
/// @file Everything in nn/.
#pragma once

#include <espalier/nn/activation.hpp>
#include <espalier/nn/conv1d.hpp>
#include <espalier/nn/conv2d.hpp>
#include <espalier/nn/conv_transpose2d.hpp>
#include <espalier/nn/cross_network.hpp>
#include <espalier/nn/dropout.hpp>
#include <espalier/nn/embedding.hpp>
#include <espalier/nn/embedding_bag.hpp>
#include <espalier/nn/encoder.hpp>
#include <espalier/nn/factorization_machine.hpp>
#include <espalier/nn/freeze.hpp>
#include <espalier/nn/group_norm.hpp>
#include <espalier/nn/gru.hpp>
#include <espalier/nn/init.hpp>
#include <espalier/nn/layer.hpp>
#include <espalier/nn/linear.hpp>
#include <espalier/nn/load_state.hpp>
#include <espalier/nn/lstm.hpp>
#include <espalier/nn/mode.hpp>
#include <espalier/nn/module.hpp>
#include <espalier/nn/multihead_attention.hpp>
#include <espalier/nn/normalization.hpp>
#include <espalier/nn/parameter.hpp>
#include <espalier/nn/pixel_shuffle.hpp>
#include <espalier/nn/pooling.hpp>
#include <espalier/nn/pooling1d.hpp>
#include <espalier/nn/positions.hpp>
#include <espalier/nn/recurrent.hpp>
#include <espalier/nn/reshape.hpp>
#include <espalier/nn/rms_norm.hpp>
#include <espalier/nn/sequence_pool.hpp>
#include <espalier/nn/sequential.hpp>
#include <espalier/nn/squeeze_excitation.hpp>
#include <espalier/nn/standardize.hpp>
#include <espalier/nn/table.hpp>
#include <espalier/nn/table_inputs.hpp>
#include <espalier/nn/target_attention.hpp>
#include <espalier/nn/transformer.hpp>
#include <espalier/nn/undo.hpp>

#if defined(ESPALIER_COMPILED)
#define ESPALIER_INSTANTIATE extern template
#include <espalier/compiled/nn.ipp>
#undef ESPALIER_INSTANTIATE
#endif
