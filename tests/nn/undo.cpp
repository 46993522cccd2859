// SPDX-License-Identifier: MIT
#include <espalier/nn/dropout.hpp>
#include <espalier/nn/linear.hpp>
#include <espalier/nn/normalization.hpp>
#include <espalier/nn/sequential.hpp>
#include <espalier/nn/undo.hpp>

#include "nn/testing.hpp"

#include <stdexcept>

using namespace espalier;
using testing::normal;
using testing::same_bits;

namespace {

struct Fails {
    bool* on;
    Variable<float> operator()(const Variable<float>& x) const {
        if (*on)
            throw std::runtime_error{"later"};
        return x;
    }
};

}  // namespace

TEST_CASE("a forward pass that throws leaves running statistics and random streams as they were", "[nn][undo]") {
    manual_seed(1);
    bool fails = false;
    const auto x = normal<float>({6, 3});
    nn::Sequential net{nn::BatchNorm{3}, nn::Dropout{0.5}, nn::Sequential{nn::BatchNorm{3}, nn::Dropout{0.5}}, Fails{&fails}};
    (void)net(x);
    auto twin = net;
    fails = true;
    const auto before = net.state_dict();
    CHECK_THROWS_WITH(net(x), "later");
    CHECK(same_bits(net.state_dict(), before));
    CHECK_THROWS_AS(net(Tensor<float>{Shape{6, 4}}), ShapeError);
    CHECK_THROWS_WITH(net(x), "later");
    fails = false;
    CHECK(same_bits(net(x).value(), twin(x).value()));  // the same masks, the same statistics
    CHECK(same_bits(net.state_dict(), twin.state_dict()));
    CHECK_FALSE(same_bits(net.state_dict(), before));
}

TEST_CASE("changes are taken back from the last to the first, within the call that throws", "[nn][undo]") {
    std::string done;
    const auto note = [&](const char* what) { nn::undo_on_error([&done, what] { done += what; }); };
    note("outside");
    bool fails = true;
    nn::Sequential<float> inner{[&](const Variable<float>& x) {
                                    note("b");
                                    note("a");
                                    return x;
                                },
                                Fails{&fails}};
    nn::Sequential<float> outer{[&](const Variable<float>& x) {
                                    note("first");
                                    return x;
                                },
                                [&](const Variable<float>& x) {  // a layer that can do without another one
                                    try {
                                        return inner(x);
                                    } catch (const std::runtime_error&) {
                                        return x;
                                    }
                                }};
    const Variable<float> x{Tensor<float>{Shape{1}}};
    (void)outer(x);
    CHECK(done == "ab");
    outer.add(Fails{&fails});
    CHECK_THROWS_AS(outer(x), std::runtime_error);
    CHECK(done == "ababfirst");
    fails = false;
    (void)outer(x);
    CHECK(done == "ababfirst");
}
