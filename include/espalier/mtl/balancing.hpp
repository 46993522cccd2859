// SPDX-License-Identifier: MIT
/// @file Every balancing rule that a criterion takes, see docs/balancing_rules.md.
///
/// What stands beside the loop has headers that are included by themselves: sam.hpp, cross_backward.hpp, stgu.hpp, auto_lambda.hpp,
/// moml.hpp, forum.hpp, rotograd.hpp; and so has by_name.hpp, which gives a rule by its name.
#pragma once

#include <espalier/mtl/balancing/ada_task.hpp>
#include <espalier/mtl/balancing/aligned_mtl.hpp>
#include <espalier/mtl/balancing/any_rule.hpp>
#include <espalier/mtl/balancing/balancer.hpp>
#include <espalier/mtl/balancing/cagrad.hpp>
#include <espalier/mtl/balancing/cr_mogm.hpp>
#include <espalier/mtl/balancing/cross_gramian.hpp>
#include <espalier/mtl/balancing/db_mtl.hpp>
#include <espalier/mtl/balancing/decide.hpp>
#include <espalier/mtl/balancing/dwa.hpp>
#include <espalier/mtl/balancing/epo.hpp>
#include <espalier/mtl/balancing/evidence.hpp>
#include <espalier/mtl/balancing/excess_mtl.hpp>
#include <espalier/mtl/balancing/famo.hpp>
#include <espalier/mtl/balancing/fixed_weights.hpp>
#include <espalier/mtl/balancing/geometric.hpp>
#include <espalier/mtl/balancing/go4align.hpp>
#include <espalier/mtl/balancing/grad_cosine.hpp>
#include <espalier/mtl/balancing/grad_drop.hpp>
#include <espalier/mtl/balancing/grad_norm.hpp>
#include <espalier/mtl/balancing/igb.hpp>
#include <espalier/mtl/balancing/imtl_g.hpp>
#include <espalier/mtl/balancing/krum.hpp>
#include <espalier/mtl/balancing/loss_ratio.hpp>
#include <espalier/mtl/balancing/matrix.hpp>
#include <espalier/mtl/balancing/meta_balance.hpp>
#include <espalier/mtl/balancing/mgda.hpp>
#include <espalier/mtl/balancing/moco.hpp>
#include <espalier/mtl/balancing/modo.hpp>
#include <espalier/mtl/balancing/nash_mtl.hpp>
#include <espalier/mtl/balancing/pcd.hpp>
#include <espalier/mtl/balancing/pcgrad.hpp>
#include <espalier/mtl/balancing/pe_ltr.hpp>
#include <espalier/mtl/balancing/pmgda.hpp>
#include <espalier/mtl/balancing/preference.hpp>
#include <espalier/mtl/balancing/rlw.hpp>
#include <espalier/mtl/balancing/rows.hpp>
#include <espalier/mtl/balancing/rule.hpp>
#include <espalier/mtl/balancing/rule_balancer.hpp>
#include <espalier/mtl/balancing/rule_parts.hpp>
#include <espalier/mtl/balancing/rule_state.hpp>
#include <espalier/mtl/balancing/sam_gs.hpp>
#include <espalier/mtl/balancing/scalarize.hpp>
#include <espalier/mtl/balancing/sdm_grad.hpp>
#include <espalier/mtl/balancing/state.hpp>
#include <espalier/mtl/balancing/stch.hpp>
#include <espalier/mtl/balancing/task_preferences.hpp>
#include <espalier/mtl/balancing/trimmed_mean.hpp>
#include <espalier/mtl/balancing/uncertainty.hpp>
#include <espalier/mtl/balancing/upgrad.hpp>
