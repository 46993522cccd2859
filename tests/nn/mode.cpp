// SPDX-License-Identifier: MIT
#include <espalier/nn/mode.hpp>

#include "catch.hpp"

#include <stdexcept>
#include <thread>

using namespace espalier;

TEST_CASE("an EvalScope is of its thread, changes no layer, and ends with an exception too", "[nn][mode]") {
    nn::Mode on, off;
    off.train(false);
    {
        const nn::EvalScope scope;
        CHECK_FALSE(on.training());
        { const nn::EvalScope nested; }
        CHECK_FALSE(on.training());
        bool elsewhere = false;
        std::thread{[&] { elsewhere = on.training(); }}.join();
        CHECK(elsewhere);
    }
    CHECK(on.training());
    CHECK_FALSE(off.training());
    const auto throwing = [] {
        const nn::EvalScope scope;
        throw std::runtime_error{"on the way"};
    };
    CHECK_THROWS_WITH(throwing(), "on the way");
    CHECK(on.training());
}

TEST_CASE("a frozen mode is evaluation, whatever train says", "[nn][mode]") {
    nn::Mode mode;
    mode.freeze(true);
    CHECK_FALSE(mode.training());
    mode.train(true);
    CHECK_FALSE(mode.training());
    mode.freeze(false);
    CHECK(mode.training());
}
