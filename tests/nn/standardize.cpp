// SPDX-License-Identifier: MIT
#include <espalier/nn/linear.hpp>
#include <espalier/nn/sequential.hpp>
#include <espalier/nn/standardize.hpp>

#include "nn/testing.hpp"

#include <limits>

using namespace espalier;
using testing::names;

TEMPLATE_TEST_CASE("each channel gets mean 0 and deviation 1", "[nn][standardize]", float, double) {
    using T = TestType;
    const auto shape = GENERATE(Shape{50, 3}, Shape{4, 5, 6, 3}, Shape{7, 2, 3});
    Tensor<T> data = testing::normal<T>(shape);
    for (Index i = 0; i < data.numel(); ++i)
        data[i] = data[i] * static_cast<T>(i % 3 + 1) + static_cast<T>(1000 * (i % 3));
    const nn::Standardize layer{data};
    const Tensor<T> y = layer(Variable<T>{data}).value();
    REQUIRE(y.shape() == shape);
    for (Index c = 0; c < 3; ++c) {
        double sum = 0, squares = 0;
        for (Index i = c; i < y.numel(); i += 3) {
            sum += static_cast<double>(y[i]);
            squares += static_cast<double>(y[i]) * static_cast<double>(y[i]);
        }
        const auto count = static_cast<double>(y.numel() / 3);
        CHECK(sum / count == Approx(0).margin(1e-4));
        CHECK(squares / count == Approx(1).epsilon(1e-3));
    }
}

TEST_CASE("mean and std are buffers: saved with the net, and not trained", "[nn][standardize]") {
    nn::Standardize layer{Tensor<float>{{2, 2}, {1, 10, 3, 30}}};
    CHECK(names(layer.state_dict()) == std::vector<std::string>{"mean", "std"});
    CHECK(layer.state_dict().at("mean") == Tensor<float>{{2}, {2, 20}});
    CHECK(layer.state_dict().at("std") == Tensor<float>{{2}, {1, 10}});
    CHECK(layer.parameters().empty());

    const nn::Sequential trained{layer, nn::Linear{2, 3}};
    nn::Sequential loaded{nn::Standardize{2}, nn::Linear{2, 3}};
    const Variable<> x{Tensor<float>{{1, 2}, {5, 6}}};
    nn::Sequential copy = trained;
    CHECK(nn::Standardize{2}(x).value() == x.value());  // nothing yet
    loaded.load_state_dict(trained.state_dict());
    CHECK(loaded(x).value() == copy(x).value());
    CHECK(layer(x).value() == Tensor<float>{{1, 2}, {3, -1.4F}});
}

TEST_CASE("what was standardised by hand, and its gradient", "[nn][standardize]") {
    const nn::Standardize<double> layer{Tensor<double>{{2}, {1, -2}}, Tensor<double>{{2}, {2, 0.5}}};
    CHECK(layer(Variable<double>{Tensor<double>{{1, 2}, {5, -1}}}).value() == Tensor<double>{{1, 2}, {2, 2}});
    const auto check = gradcheck([&](const auto& in) { return layer(in[0]); }, {testing::normal<double>({3, 4, 2})});
    CHECK(check);
    CHECK(layer(Variable<double>{Tensor<double>{Shape{0, 2}}}).shape() == Shape{0, 2});
}

TEST_CASE("a channel that never changes becomes 0", "[nn][standardize]") {
    Tensor<float> data{Shape{1000, 2}};
    for (Index i = 0; i < 1000; ++i) {
        data.at(i, 0) = 0.1F;
        data.at(i, 1) = 1e-30F * static_cast<float>(i % 2);  // a deviation, however small, is one
    }
    const nn::Standardize layer{data};
    CHECK(layer.state_dict().at("std")[0] == 1);
    const auto y = layer(Variable<>{data}).value();
    CHECK(y[0] == 0);
    CHECK(y[1] == Approx(-1));
    CHECK(y[3] == Approx(1));
    CHECK(nn::Standardize{Tensor<float>{{1, 2}, {3, 4}}}.state_dict().at("mean") == Tensor<float>{{2}, {3, 4}});
    CHECK(nn::Standardize{Tensor<double>{{2, 1}, {0.3, 0.1 + 0.2}}}.state_dict().at("std")[0] == 1);  // the same but for rounding
}

TEST_CASE("values under a mask of samples or of elements do not count", "[nn][standardize]") {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const Tensor<float> data{{3, 2}, {1, nan, 3, 5, nan, 9}};
    const nn::Standardize elements{data, Tensor<bool>{{3, 2}, {true, false, true, true, false, true}}};
    CHECK(elements.state_dict().at("mean") == Tensor<float>{{2}, {2, 7}});
    const nn::Standardize samples{data, Tensor<bool>{{3}, {false, true, false}}};
    CHECK(samples.state_dict().at("mean") == Tensor<float>{{2}, {3, 5}});
    const nn::Standardize pixels{Tensor<float>{{2, 1, 2, 1}, {1, 2, 30, 40}}, Tensor<bool>{{2}, {true, false}}};
    CHECK(pixels.state_dict().at("mean") == Tensor<float>{{1}, {1.5F}});
}

TEST_CASE("what cannot be standardised is refused", "[nn][standardize]") {
    const float inf = std::numeric_limits<float>::infinity();
    CHECK_THROWS_WITH((nn::Standardize{Tensor<float>{Shape{0, 2}}}),
                      "[Standardize] expected at least one value in every channel, got none in channel 0");
    CHECK_THROWS_WITH((nn::Standardize{Tensor<float>{{2, 1}, {1, 2}}, Tensor<bool>{Shape{2}}}), ContainsSubstring("got none in channel 0"));
    CHECK_THROWS_WITH((nn::Standardize{Tensor<float>{{2, 2}, {1, 2, 3, inf}}}),
                      ContainsSubstring("expected finite values, got inf in channel 1"));
    CHECK_THROWS_AS((nn::Standardize{Tensor<float>{Shape{3}}}), ShapeError);
    CHECK_THROWS_AS((nn::Standardize{Tensor<float>{Shape{3, 0}}}), ShapeError);
    CHECK_THROWS_AS((nn::Standardize{Tensor<float>{Shape{3, 2}}, Tensor<bool>{Shape{2}}}), ShapeError);
    CHECK_THROWS_AS((nn::Standardize{Tensor<double>{{2, 1}, {1e300, -1e300}}}), ValueError);
    CHECK_THROWS_AS((nn::Standardize{0}), ValueError);
    CHECK_THROWS_WITH((nn::Standardize{Tensor<float>{Shape{2}}, Tensor<float>{Shape{2}}}), ContainsSubstring("got 0 and 0 in channel 0"));
    CHECK_THROWS_AS((nn::Standardize{Tensor<float>{Shape{2}}, Tensor<float>{Shape{3}}}), ShapeError);
    const nn::Standardize layer{3};
    CHECK_THROWS_WITH(layer(Variable<>{Tensor<float>{Shape{4, 1}}}),
                      "[Standardize] expected 3 channels in the last axis, got input (4, 1)");
    CHECK_THROWS_AS(layer(Variable<>{Tensor<float>::scalar(1)}), ShapeError);
}
