// SPDX-License-Identifier: MIT
/// @file Random changes of images, and of the targets that belong to their places, ready to be a loader's `.transform`.
///
/// @code
/// const data::AugmentOptions options{.targets = {"segments"}, .boxes = {"objects"}};
/// data::DataLoader loader{set, {.transform = data::compose(data::random_horizontal_flip(0.5, options), data::random_shift(2, options))}};
/// @endcode
/// What each does to images, dense targets, boxes and key points: docs/images.md. All are the same for any number of threads: what they
/// draw depends on (seed, epoch, batch) alone.
#pragma once

#include <espalier/data/augment/affine.hpp>
#include <espalier/data/augment/color.hpp>
#include <espalier/data/augment/crop.hpp>
#include <espalier/data/augment/cut_out.hpp>
#include <espalier/data/augment/flip.hpp>
#include <espalier/data/augment/mix_up.hpp>
#include <espalier/data/augment/mixing.hpp>
#include <espalier/data/augment/move.hpp>
#include <espalier/data/augment/options.hpp>
#include <espalier/data/augment/resize.hpp>
