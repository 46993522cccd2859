// SPDX-License-Identifier: MIT
#include <espalier/losses/binary_cross_entropy.hpp>

#include "losses/testing.hpp"

using namespace espalier;
using namespace testing;
using losses::BCEWithLogits;
using losses::Reduction;

namespace {
const Tensor<double> prediction{{3, 2}, {1.5, -0.5, 0.25, 3.0, -2.0, 0.75}};
const Tensor<double> values{{3, 2}, {1, 0, 0, 1, 1, 0.25}};
const Tensor<double> pos_weight{{2}, {2.0, 0.5}};
}  // namespace

TEST_CASE("binary_cross_entropy_with_logits equals PyTorch's", "[losses]") {
    // torch 2.13: F.binary_cross_entropy_with_logits(p, t, reduction=r)
    require_loss(BCEWithLogits<double>{}, prediction, values, {0.7710526751288862},
                 {-0.030404253967726058, 0.0629234447996909, 0.09369608348096635, -0.007904312196261106, -0.14679951299631375,
                  0.07152978319589882});
    require_loss(BCEWithLogits<double>{{.reduction = Reduction::sum}}, prediction, values, {4.626316050773317},
                 {-0.18242552380635635, 0.3775406687981454, 0.5621765008857981, -0.047425873177566635, -0.8807970779778824,
                  0.429178699175393});
    require_loss(BCEWithLogits<double>{{.reduction = Reduction::none}}, prediction, values,
                 {0.2014132779827524, 0.4740769841801067, 0.8259394198788436, 0.04858735157374206, 2.1269280110429727, 0.9493710061148999},
                 {});
}

TEST_CASE("binary_cross_entropy_with_logits with pos_weight equals PyTorch's", "[losses]") {
    require_loss(BCEWithLogits<double>{{.pos_weight = pos_weight}}, prediction, values, {1.1470007980413015},
                 {-0.060808507935452116, 0.0629234447996909, 0.09369608348096635, -0.003952156098130553, -0.2935990259926275,
                  0.07821356029641147});
    require_loss(BCEWithLogits<double>{{.pos_weight = pos_weight, .reduction = Reduction::none}}, prediction, values,
                 {0.4028265559655048, 0.4740769841801067, 0.8259394198788436, 0.02429367578687103, 4.253856022085945, 0.9010121303505374},
                 {});
    const auto one = [](const Shape& shape) { return BCEWithLogits<double>{{.pos_weight = Tensor<double>::full(shape, 3)}}; };
    const double all = BCEWithLogits<double>{{.pos_weight = Tensor<double>::full({2}, 3)}}(Variable<double>{prediction}, values).item();
    REQUIRE(one({})(Variable<double>{prediction}, values).item() == all);
    REQUIRE(one({1})(Variable<double>{prediction}, values).item() == all);
    REQUIRE(one({3, 2})(Variable<double>{prediction}, values).item() == all);
}

TEST_CASE("binary_cross_entropy_with_logits stands large logits", "[losses]") {
    require_loss(BCEWithLogits<double>{{.reduction = Reduction::none}}, Tensor<double>{{4}, {1000, 1000, -1000, -1000}},
                 Tensor<double>{{4}, {1, 0, 1, 0}}, {0, 1000, 1000, 0}, {0, 1, -1, 0});
}

TEST_CASE("binary_cross_entropy_with_logits's gradients and masks hold for all options", "[losses][gradcheck]") {
    Random random{2};
    for (const Reduction reduction : {Reduction::mean, Reduction::sum, Reduction::none})
        for (const bool weighted : {false, true})
            for (const Shape& shape : {Shape{4, 2}, Shape{4, 1, 2}}) {
                losses::BCEWithLogitsOptions<double> options{.reduction = reduction};
                if (weighted)
                    options.pos_weight = pos_weight;
                const BCEWithLogits<double> loss{options};
                const auto x = Tensor<double>::normal(shape, random);
                const auto y = Tensor<double>::uniform(shape, random);
                require_gradients(loss, x, y);
                require_masked(loss, x, y);
            }
}

TEST_CASE("binary_cross_entropy_with_logits names what does not fit", "[losses]") {
    const losses::BCEWithLogits loss{{.pos_weight = Tensor<float>{{3}}}};
    const Variable<float> x{Tensor<float>{{4, 2}}, true};
    REQUIRE_THROWS_AS(loss(x, Tensor<float>{{4, 2}}), ShapeError);
    REQUIRE_THROWS_WITH(loss(x, Tensor<float>{{4, 2}}),
                        "[binary_cross_entropy_with_logits] expected a pos_weight of one element or of the last axes of the "
                        "prediction (4, 2), got (3,)");
    REQUIRE_THROWS_WITH(losses::binary_cross_entropy_with_logits(x, Tensor<Index>{{4}}),
                        "[binary_cross_entropy_with_logits] expected a target of values, got class indices of shape (4,): "
                        "give 0 and 1 as a Tensor<float>");
    REQUIRE_THROWS_WITH(losses::binary_cross_entropy_with_logits(x, Tensor<float>{{4}}),
                        "[binary_cross_entropy_with_logits] expected values of the shape of the prediction (4, 2), got (4,)");
}
