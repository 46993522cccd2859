// SPDX-License-Identifier: MIT
/// @file Rules by their names, for programs that are told on their command line, or compare all of them.
///
/// Includes and compiles every rule: who needs one includes its header instead.
#pragma once

#include <espalier/mtl/balancing.hpp>
#include <espalier/mtl/diagnostics.hpp>
#include <espalier/mtl/multi_task_loss.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::mtl {
namespace detail {

/// Calls `use(name, rule)` for every rule with its defaults.
template <class Scalar, class Use>
void for_each_rule(const Use& use) {
    use("Sum", Sum{});
    use("Mean", Mean{});
    use("UW", UncertaintyWeighting<Scalar>{});
    use("UW-O", OptimalUncertaintyWeighting{});
    use("UW-SO", SoftOptimalUncertaintyWeighting{});
    use("IMTL-L", IMTLL<Scalar>{});
    use("DWA", DWA{});
    use("RLW", RLW{});
    use("GLS", GLS{});
    use("SI", ScaleInvariant{});
    use("STCH", STCH{});
    use("NadirSTCH", NadirSTCH{});
    use("FAMO", FAMO{});
    use("PBI", PBI{});
    use("COSMOS", COSMOS{});
    use("IGBv1", IGBv1{});
    use("GO4Align", GO4Align{});
    use("LBTW", LBTW{});
    use("CoV", CoVWeighting{});
    use("UnitWeights", UnitWeights{});
    use("MGDA", MGDA{});
    use("PCGrad", PCGrad{});
    use("GradVac", GradVac{});
    use("IMTL-G", IMTLG{});
    use("CAGrad", CAGrad{});
    use("Nash-MTL", NashMTL{});
    use("FairGrad", FairGrad{});
    use("Aligned-MTL", AlignedMTL{});
    use("UPGrad", UPGrad{});
    use("DualProj", DualProj{});
    use("PCD", PCD{});
    use("ConFIG", ConFIG{});
    use("Krum", Krum{});
    use("CR-MOGM", CRMOGM{MGDA{}});
    use("PE-LTR", PELTR{});
    use("GradCosine", GradCosine{});
    use("EPO", EPO{});
    use("PMGDA", PMGDA{});
    use("GradNorm", GradNorm{});
    use("GradDrop", GradDrop{});
    use("TrimmedMean", TrimmedMean{});
    use("MoCo", MoCo<Scalar>{});
    use("DB-MTL", DBMTL<Scalar>{});
    use("MetaBalance", MetaBalance{});
    use("AdaTask", AdaTask<Scalar>{});
    use("SAM-GS", SAMGS<Scalar>{});
    use("ExcessMTL", ExcessMTL<Scalar>{});
}

}  // namespace detail

/// As papers write them: "Sum", "UW", "Nash-MTL".
[[nodiscard]] inline std::vector<std::string> rule_names() {
    std::vector<std::string> names;
    detail::for_each_rule<float>([&](const char* name, const auto&) { names.emplace_back(name); });
    return names;
}

/// `criterion.balance(rule, options)` with the rule of that name, with its defaults.
/// @throws ValueError for a name that no rule has; what `balance` throws
template <class Scalar>
void balance_by_name(MultiTaskLoss<Scalar>& criterion, std::string_view rule, const BalanceOptions& options = {}) {
    bool found = false;
    detail::for_each_rule<Scalar>([&](std::string_view name, auto&& value) {
        if (name == rule) {
            criterion.balance(std::forward<decltype(value)>(value), options);
            found = true;
        }
    });
    if (!found) {
        std::string names;
        for (const auto& name : rule_names())
            names += (names.empty() ? "" : ", ") + name;
        fail<ValueError>("balance_by_name", "expected the name of a rule, got '", rule, "': there are ", names);
    }
}

}  // namespace espalier::inline ESPALIER_ABI::mtl
