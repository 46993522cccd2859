// SPDX-License-Identifier: MIT
#include "registry.hpp"

#include <espalier/mtl/balancing/ada_task.hpp>
#include <espalier/mtl/balancing/cr_mogm.hpp>
#include <espalier/mtl/balancing/db_mtl.hpp>
#include <espalier/mtl/balancing/epo.hpp>
#include <espalier/mtl/balancing/excess_mtl.hpp>
#include <espalier/mtl/balancing/grad_cosine.hpp>
#include <espalier/mtl/balancing/grad_drop.hpp>
#include <espalier/mtl/balancing/grad_norm.hpp>
#include <espalier/mtl/balancing/meta_balance.hpp>
#include <espalier/mtl/balancing/moco.hpp>
#include <espalier/mtl/balancing/modo.hpp>
#include <espalier/mtl/balancing/pe_ltr.hpp>
#include <espalier/mtl/balancing/pmgda.hpp>
#include <espalier/mtl/balancing/sam_gs.hpp>
#include <espalier/mtl/balancing/sdm_grad.hpp>
#include <espalier/mtl/balancing/trimmed_mean.hpp>

namespace {

using namespace testing;
using namespace espalier::mtl;

/// A rule of two batches, of which both are the same here.
template <class Make>
DirectionOf of_two_batches(Make make) {
    const auto rule = [make](const Gramian& gramian) {
        auto made = make();
        made.start(gramian.size());
        return made(CrossGramian{gramian.matrix(), gramian.context()});
    };
    return weighting([rule] { return rule; });
}

GradDrop seeded_grad_drop() {
    espalier::manual_seed(1);
    return GradDrop{};
}

// clang-format off
const AddRuleRows rows{
    {"AdaTask", aggregator([] { return AdaTask<double>{}; })},
    {"CRMOGM, PELTR", weighting([] { return CRMOGM{PELTR{}}; }),
     {.non_conflicting = true, .scale = true, .zero_if_stationary = true}},
    {"DBMTL", aggregator([] { return DBMTL<double>{}; }), {.scale = true, .direction_under_scaling = true}},
    {"EPO", weighting([] { return EPO{}; }), {.scale = true}},
    {"ExcessMTL", aggregator([] { return ExcessMTL<double>{}; }), {.scale = true, .linear_under_scaling = true}},
    {"GradCosine", weighting([] { return GradCosine{}; }), {.permutation = false, .scale = true, .linear_under_scaling = true}},
    {"GradDrop", aggregator([] { return seeded_grad_drop(); }), {.scale = true}},
    {"GradNorm", weighting([] { return GradNorm{}; }), {.scale = true, .linear_under_scaling = true}},
    {"MetaBalance", aggregator([] { return MetaBalance{}; }), {.permutation = false, .scale = true}},
    {"MoCo", aggregator([] { return MoCo<double>{}; })},
    {"MoDo", of_two_batches([] { return MoDo{}; })},
    {"PELTR", weighting([] { return PELTR{}; }),
     {.non_conflicting = true, .scale = true, .zero_if_stationary = true}},
    {"PMGDA", weighting([] { return PMGDA{}; }), {.scale = true}},
    {"SAMGS", aggregator([] { return SAMGS<double>{}; }), {.scale = true}},
    {"SDMGrad", of_two_batches([] { return SDMGrad{}; }), {.scale = true}},
    {"TrimmedMean", aggregator([] { return TrimmedMean{}; }), {.scale = true}},
};
// clang-format on

}  // namespace
