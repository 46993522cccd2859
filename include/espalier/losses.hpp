// SPDX-License-Identifier: MIT
/// @file Everything in losses/.
#pragma once

#include <espalier/losses/binary_cross_entropy.hpp>
#include <espalier/losses/box_iou.hpp>
#include <espalier/losses/class_probabilities.hpp>
#include <espalier/losses/cosine.hpp>
#include <espalier/losses/counterfactual.hpp>
#include <espalier/losses/cross_entropy.hpp>
#include <espalier/losses/ctc.hpp>
#include <espalier/losses/ctc_paths.hpp>
#include <espalier/losses/dice.hpp>
#include <espalier/losses/focal.hpp>
#include <espalier/losses/gaussian_focal.hpp>
#include <espalier/losses/groups.hpp>
#include <espalier/losses/huber.hpp>
#include <espalier/losses/l1.hpp>
#include <espalier/losses/labels.hpp>
#include <espalier/losses/loss.hpp>
#include <espalier/losses/lovasz.hpp>
#include <espalier/losses/match.hpp>
#include <espalier/losses/mean_over_labelled.hpp>
#include <espalier/losses/mse.hpp>
#include <espalier/losses/ranking.hpp>
#include <espalier/losses/reduction.hpp>
#include <espalier/losses/scale_invariant.hpp>
#include <espalier/losses/target.hpp>
#include <espalier/losses/tversky.hpp>
#include <espalier/losses/weighted_sum.hpp>

#if defined(ESPALIER_COMPILED)
#define ESPALIER_INSTANTIATE extern template
#include <espalier/compiled/losses.ipp>
#undef ESPALIER_INSTANTIATE
#endif
