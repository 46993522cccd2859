// SPDX-License-Identifier: MIT
#include <espalier/mtl/sharing/ltb.hpp>

#include <espalier/nn/trunks/resnet.hpp>

#include "mtl/sharing/ways.hpp"
#include "nn/testing.hpp"

#include <cmath>
#include <limits>

using namespace espalier;
using testing::same_bits;
using Places = std::vector<std::size_t>;

namespace {

template <class S>
void set_branches(mtl::LTB<S>& soft, const std::string& name, const Tensor<S>& scores) {
    soft.named_parameters().at(name).mutable_value() = scores;
}

}  // namespace

TEST_CASE("the tree of LTB computes what it does at temperature 0, with what is on a way alone", "[mtl][sharing]") {
    for (const bool image : {false, true})
        for (const std::size_t last : {3U, 2U}) {  // a last choice of the tasks, or layers of their own
            CAPTURE(image, last);
            manual_seed(1);
            mtl::LTB<float> soft{ways::networks<float>(3, image), {.after = {1, last}}};
            set_branches<float>(soft, "branches.0", {{3, 3}, {0, 2, 1, 5, 0, 0, 0, 0, 0}});
            set_branches<float>(soft, "branches.1", {{3, 3}, {1, 0, 0, 3, 0, 2, 0, 1, 1}});
            auto tree = soft.tree();
            soft.set_temperature(0);
            soft.eval();
            const auto x = ways::input<float>(image);
            const auto expected = soft(x), features = tree(x);
            REQUIRE(features.size() == 3);
            for (std::size_t i = 0; i < 3; ++i)
                CHECK(same_bits(features[i].value(), expected[i].value()));
            // Tasks 0 and 1 read column 0, which reads column 1; task 2 reads column 1, which reads column 0.
            CHECK(same_bits(features[0].value(), features[1].value()) == (last == 3));  // a pooling has no parameters
            if (last == 3 && !image) {
                CHECK(tree.parents() == Places{tree.none, tree.none, 0, 1});
                CHECK(tree.leaves() == Places{2, 2, 3});
            }
            const auto trained_on = tree.parameters();
            for (auto& [name, parameter] : soft.named_parameters())
                for (const auto& other : trained_on)
                    CHECK(other.node() != parameter.node());
        }
}

TEST_CASE("the tree of a trunk is smaller, and is a sharing like others", "[mtl][sharing]") {
    manual_seed(1);
    mtl::LTB<> soft{mtl::repeat(2, [] { return nn::trunks::resnet20(3); })};
    for (const char* const name : {"branches.0", "branches.1"})
        set_branches<float>(soft, name, {{2, 2}, {1, 0, 1, 0}});
    for (const char* const name : {"branches.2", "branches.3"})
        set_branches<float>(soft, name, {{2, 2}, {1, 0, 0, 1}});
    mtl::MultiTaskNet net{soft.tree(), {{"a", nn::Linear{64, 1}}, {"b", nn::Linear{64, 1}}}};
    const auto one = nn::trunks::resnet20(3).parameter_count();
    CHECK(net.shared_parameters().size() > 0);
    CHECK(net.shared_size() < 2 * one);
    CHECK(net.shared_size() > one);
    CHECK(net(testing::normal<float>({2, 12, 16, 3})).at("b").shape() == Shape{2, 1});
}

TEST_CASE("LTB draws parents by their scores, in training", "[mtl][sharing]") {
    // Columns that give 0 and 1: the features tell which was chosen.
    const auto constant = [](float value) {
        nn::Linear<> layer{1, 1};
        layer.weight().mutable_value() = Tensor<float>{Shape{1, 1}};
        layer.bias().mutable_value() = Tensor<float>::full({1}, value);
        return layer;
    };
    manual_seed(2);
    mtl::LTB<> soft{{constant(0), constant(1)}, {.temperature = 0}};
    const float score = std::log(4.0F);  // chosen in 4 of 5 draws
    set_branches<float>(soft, "branches.0", {{2, 2}, {0, score, score, 0}});
    const Tensor<float> x{Shape{1, 1}};
    double first = 0, second = 0;
    for (int draw = 0; draw < 1000; ++draw) {
        const auto features = soft(x);
        first += static_cast<double>(features[0].item()) / 1000;
        second += static_cast<double>(features[1].item()) / 1000;
    }
    CHECK(first == Approx(0.8).margin(0.05));  // four standard deviations
    CHECK(second == Approx(0.2).margin(0.05));
    soft.set_temperature(2);
    auto copy = soft;
    CHECK(soft(x)[0].item() == copy(x)[0].item());  // which draws the same
    CHECK(soft(x)[0].item() != copy(Tensor<float>{Shape{1, 1}})[1].item());
    soft.eval();
    CHECK(soft(x)[0].item() == Approx(2.0 / 3));  // the root of 4 to 1
    mtl::MultiTaskNet net{copy, {{"a", nn::Linear{1, 1}}, {"b", nn::Linear{1, 1}}}};
    CHECK(same_bits(net.predict(x), net.predict(x)));
}

TEST_CASE("what cannot branch is refused", "[mtl][sharing]") {
    const auto networks = ways::networks<float>(2, false);
    CHECK_THROWS_WITH((mtl::LTB<>{networks, {.temperature = -1}}), "[LTB] expected a temperature of 0 or at least 1e-6, got -1");
    CHECK_THROWS_WITH((mtl::LTB<>{networks, {.temperature = std::numeric_limits<double>::infinity()}}),
                      "[LTB] expected a temperature of 0 or at least 1e-6, got inf");
    CHECK_THROWS_WITH((mtl::LTB<>{networks, {.after = {4}}}), "[LTB] expected ascending places after layers 1 to 3, got 4");
    mtl::LTB<> wider{{nn::Linear{3, 4}, nn::Linear{3, 5}}};
    CHECK_THROWS_WITH(wider(ways::input<float>(false)),
                      "[mix] expected terms of one shape, got (3, 4) and (3, 5) at 1, in the exchange after layer 1");
    using Tree = mtl::TaskTree<>;
    CHECK_THROWS_WITH((Tree{networks, {Tree::none}, {0}}),
                      "[TaskTree] expected a task and a parent for each of 2 nodes, got 1 tasks and 1 parents");
    CHECK_THROWS_WITH((Tree{networks, {Tree::none, 1}, {0}}), "[TaskTree] expected parents before their nodes, got 1 of node 1");
    CHECK_THROWS_WITH((Tree{networks, {Tree::none, 0}, {2}}), "[TaskTree] expected leaves among 2 nodes, got 2");
    Tree chain{networks, {Tree::none, 0}, {1}};
    CHECK_THROWS_WITH(chain(ways::input<float>(false)), "[linear] expected 3 input features, got input (3, 4), in layer 0, in node 1");
}
