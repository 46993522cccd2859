// SPDX-License-Identifier: MIT
/// @file Everything in data/.
#pragma once

#include <espalier/data/alias_table.hpp>
#include <espalier/data/augment.hpp>
#include <espalier/data/batch.hpp>
#include <espalier/data/batch_iterator.hpp>
#include <espalier/data/combine.hpp>
#include <espalier/data/dataset.hpp>
#include <espalier/data/hash_bucket.hpp>
#include <espalier/data/inputs.hpp>
#include <espalier/data/length_sampler.hpp>
#include <espalier/data/loader.hpp>
#include <espalier/data/negative_sampler.hpp>
#include <espalier/data/one_hot.hpp>
#include <espalier/data/pad_sequence.hpp>
#include <espalier/data/prefetch.hpp>
#include <espalier/data/sampler.hpp>
#include <espalier/data/sequences.hpp>
#include <espalier/data/split.hpp>
#include <espalier/data/stream_loader.hpp>
#include <espalier/data/task_sampler.hpp>
#include <espalier/data/transform.hpp>
#include <espalier/data/weighted_sampler.hpp>

#if defined(ESPALIER_COMPILED)
#define ESPALIER_INSTANTIATE extern template
#include <espalier/compiled/data.ipp>
#undef ESPALIER_INSTANTIATE
#endif
