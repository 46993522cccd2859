// SPDX-License-Identifier: MIT
#include <espalier/losses/l1.hpp>

#include "losses/testing.hpp"

using namespace espalier;
using namespace testing;
using losses::L1;
using losses::Reduction;

TEST_CASE("l1_loss equals PyTorch's, with derivative 0 where prediction and value are equal", "[losses]") {
    // torch 2.13: F.l1_loss(p, t, reduction=r)
    const Tensor<double> prediction{{3, 2}, {1.5, -0.5, 0.25, 3.0, -2.0, 0.75}};
    const Tensor<double> values{{3, 2}, {1.0, 0.5, 0.0, 1.0, -1.0, 0.75}};
    const double sixth = 1.0 / 6;
    require_loss(L1<double>{}, prediction, values, {0.7916666666666666}, {sixth, -sixth, sixth, sixth, -sixth, 0});
    require_loss(L1<double>{{.reduction = Reduction::sum}}, prediction, values, {4.75}, {1, -1, 1, 1, -1, 0});
    require_loss(L1<double>{{.reduction = Reduction::none}}, prediction, values, {0.5, 1, 0.25, 2, 1, 0}, {1, -1, 1, 1, -1, 0});
}

TEST_CASE("l1_loss's gradients and masks hold for all reductions", "[losses][gradcheck]") {
    Random random{2};
    for (const Reduction reduction : {Reduction::mean, Reduction::sum, Reduction::none})
        for (const Shape& shape : {Shape{4}, Shape{4, 1}, Shape{4, 2, 3}}) {
            const L1<double> loss{{.reduction = reduction}};
            const auto y = Tensor<double>::normal(shape, random);
            auto x = y;
            for (double& v : x)  // at least 0.1 away from the kink
                v += random.uniform(0.1, 1.0) * (random.below(2) ? 1 : -1);
            require_gradients(loss, x, y);
            require_masked(loss, x, y);
        }
}
