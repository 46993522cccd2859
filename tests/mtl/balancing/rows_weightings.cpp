// SPDX-License-Identifier: MIT
#include "registry.hpp"

#include <espalier/mtl/balancing/aligned_mtl.hpp>
#include <espalier/mtl/balancing/cagrad.hpp>
#include <espalier/mtl/balancing/imtl_g.hpp>
#include <espalier/mtl/balancing/krum.hpp>
#include <espalier/mtl/balancing/mgda.hpp>
#include <espalier/mtl/balancing/nash_mtl.hpp>
#include <espalier/mtl/balancing/pcd.hpp>
#include <espalier/mtl/balancing/pcgrad.hpp>
#include <espalier/mtl/balancing/upgrad.hpp>

namespace {

using namespace testing;
using namespace espalier::mtl;

/// One that draws draws the same every time.
template <class Rule>
Rule seeded() {
    espalier::manual_seed(1);
    return Rule{};
}

// clang-format off
const AddRuleRows rows{
    {"MGDA", weighting([] { return MGDA{}; }),
     {.non_conflicting = true, .scale = true, .zero_if_stationary = true}},
    // Of dependent rows many normalized averages may be 0: the order then decides on one.
    {"MGDA, l2", weighting([] { return MGDA{{.normalization = MGDANormalization::l2}}; }), {.permutation = false}},
    {"MGDA, loss", weighting([] { return MGDA{{.normalization = MGDANormalization::loss}}; }), {.permutation = false}},
    {"MGDA, loss and l2", weighting([] { return MGDA{{.normalization = MGDANormalization::loss_l2}}; }), {.permutation = false}},
    {"PCGrad", weighting([] { return seeded<PCGrad>(); }),
     {.non_conflicting_pair = true, .permutation = false, .scale = true, .linear_under_scaling = true}},
    {"GradVac", weighting([] { return seeded<GradVac>(); }),
     {.non_conflicting_pair = true, .permutation = false, .scale = true}},
    {"IMTLG", weighting([] { return IMTLG{}; }),
     {.non_conflicting_pair = true, .scale = true, .direction_under_scaling = true}},
    {"ConFIG", weighting([] { return ConFIG{}; }),
     {.non_conflicting_pair = true, .non_conflicting_independent = true, .scale = true, .linear_under_scaling = true,
      .direction_under_scaling = true}},
    {"CAGrad", weighting([] { return CAGrad{}; }), {.scale = true}},
    {"CAGrad, c = 0.9", weighting([] { return CAGrad{{.c = 0.9}}; }), {.scale = true}},
    {"CAGrad, c = 1", weighting([] { return CAGrad{{.c = 1}}; }),
     {.non_conflicting = true, .scale = true, .zero_if_stationary = true}},
    {"NashMTL", weighting([] { return NashMTL{}; }),
     {.non_conflicting = true, .scale = true, .direction_under_scaling = true, .zero_if_stationary = true}},
    {"FairGrad", weighting([] { return FairGrad{}; }),
     {.non_conflicting = true, .scale = true, .direction_under_scaling = true, .zero_if_stationary = true}},
    {"FairGrad, alpha = 2", weighting([] { return FairGrad{{.alpha = 2}}; }),
     {.non_conflicting_independent = true, .scale = true, .zero_if_stationary = true}},
    {"AlignedMTL", weighting([] { return AlignedMTL{}; }), {.scale = true}},
    {"AlignedMTL, median", weighting([] { return AlignedMTL{{.scale = AlignedMTLScale::median}}; }), {.scale = true}},
    {"AlignedMTL, rmse", weighting([] { return AlignedMTL{{.scale = AlignedMTLScale::rmse}}; }), {.scale = true}},
    {"UPGrad", weighting([] { return UPGrad{}; }),
     {.non_conflicting = true, .scale = true, .linear_under_scaling = true, .zero_if_stationary = true}},
    {"DualProj", weighting([] { return DualProj{}; }),
     {.non_conflicting = true, .scale = true, .zero_if_stationary = true}},
    {"PCD", weighting([] { return PCD{}; }), {.permutation = false}},
    // With one nearest other alone, two tasks have the least score and their order decides.
    {"Krum", weighting([] { return Krum{{.byzantine = 0}}; }), {.scale = true}, 4},
    {"Krum, 2 selected", weighting([] { return Krum{{.selected = 2}}; }), {.scale = true}, 5},
    {"Krum, 2 selected, not squared", weighting([] { return Krum{{.selected = 2, .squared = false}}; }), {.scale = true}, 5},
};
// clang-format on

}  // namespace
