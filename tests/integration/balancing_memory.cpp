// SPDX-License-Identifier: MIT
// From its third call on, a weighting asks for no memory: it works in blocks of the pool.
#include <espalier/mtl/balancing/aligned_mtl.hpp>
#include <espalier/mtl/balancing/cagrad.hpp>
#include <espalier/mtl/balancing/imtl_g.hpp>
#include <espalier/mtl/balancing/krum.hpp>
#include <espalier/mtl/balancing/mgda.hpp>
#include <espalier/mtl/balancing/nash_mtl.hpp>
#include <espalier/mtl/balancing/pcd.hpp>
#include <espalier/mtl/balancing/pcgrad.hpp>
#include <espalier/mtl/balancing/upgrad.hpp>

#include "catch.hpp"
#include "integration/operator_new.hpp"
#include "mtl/balancing/jacobians.hpp"
#include "mtl/balancing/registry.hpp"

using namespace espalier;

#if ESPALIER_POOL_MEMORY  // it is off under the address sanitizer
namespace {

/// Calls of `operator new` in calls 3 to 10 of a rule, each of another Gramian of so many tasks, every second one deficient.
template <class Rule>
long allocations_of(Rule rule, Index tasks) {
    if constexpr (requires { rule.start(std::size_t{}); })
        rule.start(static_cast<std::size_t>(tasks));
    const mtl::Weights ones(static_cast<std::size_t>(tasks), 1.0);
    std::vector<mtl::Gramian> gramians;
    for (std::uint64_t i = 0; i < 10; ++i)
        gramians.emplace_back(
            espalier::testing::products(espalier::testing::hashed_jacobian(i, tasks, tasks + 3, i % 2 == 0 ? tasks : (tasks + 1) / 2, 1)),
            mtl::StepContext{ones});
    long before = 0;
    double sum = 0;
    for (std::size_t i = 0; i < gramians.size(); ++i) {
        if (i == 2)
            before = ::testing::allocations;
        sum += rule(gramians[i])[0];
    }
    CHECK(std::isfinite(sum));
    return ::testing::allocations - before;
}

}  // namespace

TEST_CASE("weightings allocate nothing from the third call on", "[integration][memory]") {
    for (const Index tasks : {3, 40}) {
        CAPTURE(tasks);
        CHECK(allocations_of(mtl::MGDA{}, tasks) == 0);
        CHECK(allocations_of(mtl::MGDA{{.normalization = mtl::MGDANormalization::loss_l2}}, tasks) == 0);
        CHECK(allocations_of(mtl::PCGrad{}, tasks) == 0);
        CHECK(allocations_of(mtl::GradVac{}, tasks) == 0);
        CHECK(allocations_of(mtl::IMTLG{}, tasks) == 0);
        CHECK(allocations_of(mtl::ConFIG{}, tasks) == 0);
        CHECK(allocations_of(mtl::CAGrad{}, tasks) == 0);
        CHECK(allocations_of(mtl::NashMTL{}, tasks) == 0);
        CHECK(allocations_of(mtl::FairGrad{}, tasks) == 0);
        CHECK(allocations_of(mtl::AlignedMTL{}, tasks) == 0);
        CHECK(allocations_of(mtl::UPGrad{}, tasks) == 0);
        CHECK(allocations_of(mtl::DualProj{}, tasks) == 0);
        CHECK(allocations_of(mtl::PCD{}, tasks) == 0);
        CHECK(allocations_of(mtl::Krum{{.byzantine = 0}}, tasks) == 0);
    }
}
#endif
