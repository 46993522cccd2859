// SPDX-License-Identifier: MIT
/// @file Everything in autograd/.
#pragma once

#include <espalier/autograd/activation.hpp>
#include <espalier/autograd/adaptive_pooling.hpp>
#include <espalier/autograd/arithmetic.hpp>
#include <espalier/autograd/attention.hpp>
#include <espalier/autograd/backward.hpp>
#include <espalier/autograd/conv1d.hpp>
#include <espalier/autograd/conv2d.hpp>
#include <espalier/autograd/conv_transpose2d.hpp>
#include <espalier/autograd/dropout.hpp>
#include <espalier/autograd/embedding.hpp>
#include <espalier/autograd/factorization_machine.hpp>
#include <espalier/autograd/film.hpp>
#include <espalier/autograd/gradcheck.hpp>
#include <espalier/autograd/group_norm.hpp>
#include <espalier/autograd/gru.hpp>
#include <espalier/autograd/layer_norm.hpp>
#include <espalier/autograd/leaf_state.hpp>
#include <espalier/autograd/logit_product.hpp>
#include <espalier/autograd/lstm.hpp>
#include <espalier/autograd/matmul.hpp>
#include <espalier/autograd/mix.hpp>
#include <espalier/autograd/normalization.hpp>
#include <espalier/autograd/pixel_shuffle.hpp>
#include <espalier/autograd/pooling.hpp>
#include <espalier/autograd/pooling1d.hpp>
#include <espalier/autograd/record.hpp>
#include <espalier/autograd/recurrent.hpp>
#include <espalier/autograd/reduction.hpp>
#include <espalier/autograd/reshape.hpp>
#include <espalier/autograd/rms_norm.hpp>
#include <espalier/autograd/rotary_embedding.hpp>
#include <espalier/autograd/segment.hpp>
#include <espalier/autograd/sequence_batches.hpp>
#include <espalier/autograd/sequence_pooling.hpp>
#include <espalier/autograd/sequence_steps.hpp>
#include <espalier/autograd/sequence_windows.hpp>
#include <espalier/autograd/softmax.hpp>
#include <espalier/autograd/sparse_gradient.hpp>
#include <espalier/autograd/swiglu.hpp>
#include <espalier/autograd/task_gradients.hpp>
#include <espalier/autograd/traversal.hpp>
#include <espalier/autograd/upsample.hpp>
#include <espalier/autograd/variable.hpp>

#if defined(ESPALIER_COMPILED)
#define ESPALIER_INSTANTIATE extern template
#include <espalier/compiled/autograd.ipp>
#undef ESPALIER_INSTANTIATE
#endif
