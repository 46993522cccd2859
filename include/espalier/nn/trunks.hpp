// SPDX-License-Identifier: MIT
/// @file Everything in nn/trunks/. Not part of `nn.hpp`: who uses a trunk includes it.
///
/// Each is a function that gives a `Sequential` whose elements are the stages of the network, without a classifier:
/// @code
/// mtl::MultiTaskNet net{nn::trunks::resnet18(3), {{"left", nn::Linear{512, 10}}, {"right", nn::Linear{512, 10}}}};
/// @endcode
#pragma once

#include <espalier/nn/trunks/blocks.hpp>
#include <espalier/nn/trunks/fastnet.hpp>
#include <espalier/nn/trunks/fc_hardnet.hpp>
#include <espalier/nn/trunks/feature_pyramid.hpp>
#include <espalier/nn/trunks/hardnet.hpp>
#include <espalier/nn/trunks/lenet.hpp>
#include <espalier/nn/trunks/mlp.hpp>
#include <espalier/nn/trunks/mobilenet_v2.hpp>
#include <espalier/nn/trunks/reference.hpp>
#include <espalier/nn/trunks/resnet.hpp>
#include <espalier/nn/trunks/u_shape.hpp>
#include <espalier/nn/trunks/unet.hpp>
