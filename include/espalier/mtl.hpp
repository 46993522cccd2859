// SPDX-License-Identifier: MIT
/// @file Everything in mtl/.
#pragma once

#include <espalier/mtl/balancing.hpp>
#include <espalier/mtl/comparison.hpp>
#include <espalier/mtl/diagnostics.hpp>
#include <espalier/mtl/multi_task_loss.hpp>
#include <espalier/mtl/multi_task_net.hpp>
#include <espalier/mtl/outputs.hpp>
#include <espalier/mtl/pareto.hpp>
#include <espalier/mtl/pareto/hypernetwork.hpp>
#include <espalier/mtl/pareto/preference_film.hpp>
#include <espalier/mtl/pareto/preferences.hpp>
#include <espalier/mtl/sharing.hpp>
#include <espalier/mtl/sharing/aitm.hpp>
#include <espalier/mtl/sharing/cross_stitch.hpp>
#include <espalier/mtl/sharing/dselect_k.hpp>
#include <espalier/mtl/sharing/factorised_linear.hpp>
#include <espalier/mtl/sharing/from_stages.hpp>
#include <espalier/mtl/sharing/home.hpp>
#include <espalier/mtl/sharing/low_rank_adapters.hpp>
#include <espalier/mtl/sharing/ltb.hpp>
#include <espalier/mtl/sharing/mmoe.hpp>
#include <espalier/mtl/sharing/mtan.hpp>
#include <espalier/mtl/sharing/nddr.hpp>
#include <espalier/mtl/sharing/noisy_top_k.hpp>
#include <espalier/mtl/sharing/on_trunk.hpp>
#include <espalier/mtl/sharing/pad_net.hpp>
#include <espalier/mtl/sharing/pepnet.hpp>
#include <espalier/mtl/sharing/ple.hpp>
#include <espalier/mtl/sharing/related_towers.hpp>
#include <espalier/mtl/sharing/separate.hpp>
#include <espalier/mtl/sharing/sluice.hpp>
#include <espalier/mtl/sharing/soft_sharing.hpp>
#include <espalier/mtl/sharing/stem.hpp>
#include <espalier/mtl/sharing/task_conditioned.hpp>
#include <espalier/mtl/sharing/task_norms.hpp>

#if defined(ESPALIER_COMPILED)
#define ESPALIER_INSTANTIATE extern template
#include <espalier/compiled/mtl.ipp>
#undef ESPALIER_INSTANTIATE
#endif
