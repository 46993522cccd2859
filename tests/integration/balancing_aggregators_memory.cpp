// SPDX-License-Identifier: MIT
// From its third call on, a balancing rule asks for no memory.
#include "catch.hpp"
#include "integration/operator_new.hpp"
#include "threads.hpp"

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
#include <espalier/mtl/balancing/rows.hpp>
#include <espalier/mtl/balancing/sam_gs.hpp>
#include <espalier/mtl/balancing/sdm_grad.hpp>
#include <espalier/mtl/balancing/trimmed_mean.hpp>

#include <string>

using namespace espalier;

#if ESPALIER_POOL_MEMORY  // it is off under the address sanitizer
namespace {

/// Calls of `operator new` in calls 3 to 6 of a rule, with evidence of 1000 columns from `evidence(rows, context)`.
template <class Rule, class Evidence>
void check_allocations(const std::string& name, Rule rule, const Evidence& evidence) {
    for (const Index tasks : {3, 40}) {
        Rule fresh = rule;
        if constexpr (requires { fresh.start(std::size_t{}); })
            fresh.start(static_cast<std::size_t>(tasks));
        long before = 0;
        for (Index step = 0; step < 6; ++step) {
            Random random{static_cast<std::uint64_t>(step)};
            auto rows = Tensor<float>::normal({tasks, 1000}, random);
            mtl::Weights losses(static_cast<std::size_t>(tasks), 1.5);
            losses[0] += static_cast<double>(step);
            mtl::StepContext context{losses};
            context.step = step;
            if (step == 2)
                before = testing::allocations;
            (void)fresh(evidence(std::move(rows), std::move(context)));
        }
        const long taken = testing::allocations - before;  // CAPTURE takes some as well
        CAPTURE(name, tasks);
        CHECK(taken == 0);
    }
}

}  // namespace

TEST_CASE("aggregators and weightings with state ask for no memory from the third call on", "[integration][memory]") {
    const testing::Threads guard{GENERATE(1, 2)};
    const auto jacobian = [](Tensor<float> rows, mtl::StepContext context) {
        return mtl::Jacobian<float>{std::move(rows), std::move(context), {{"a", 0, 300}, {"b", 300, 700}}};
    };
    const auto gramian = [](const Tensor<float>& rows, mtl::StepContext context) {
        return mtl::Gramian{mtl::gramian_of(rows), std::move(context)};
    };
    const auto cross = [](const Tensor<float>& rows, mtl::StepContext context) {
        return mtl::CrossGramian{mtl::gramian_of(rows), std::move(context)};
    };
    check_allocations("AdaTask", mtl::AdaTask{}, jacobian);
    check_allocations("DBMTL", mtl::DBMTL{}, jacobian);
    check_allocations("ExcessMTL", mtl::ExcessMTL{}, jacobian);
    check_allocations("GradDrop", mtl::GradDrop{}, jacobian);
    check_allocations("MetaBalance", mtl::MetaBalance{}, jacobian);
    check_allocations("MoCo", mtl::MoCo{}, jacobian);
    check_allocations("SAMGS", mtl::SAMGS{}, jacobian);
    check_allocations("TrimmedMean", mtl::TrimmedMean{}, jacobian);
    check_allocations("CRMOGM", mtl::CRMOGM{mtl::PELTR{}}, gramian);
    check_allocations("EPO", mtl::EPO{}, gramian);
    check_allocations("GradCosine", mtl::GradCosine{}, gramian);
    check_allocations("GradNorm", mtl::GradNorm{}, gramian);
    check_allocations("PELTR", mtl::PELTR{}, gramian);
    check_allocations("PMGDA", mtl::PMGDA{}, gramian);
    check_allocations("MoDo", mtl::MoDo{}, cross);
    check_allocations("SDMGrad", mtl::SDMGrad{}, cross);
}
#endif
