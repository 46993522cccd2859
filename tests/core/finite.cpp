// SPDX-License-Identifier: MIT
#include <espalier/core/finite.hpp>

#include "catch.hpp"

#include <cmath>
#include <limits>

using namespace espalier;

TEST_CASE("is_finite and is_nan say what the standard library says", "[core][finite]") {
    const auto check = [](auto zero) {
        using S = decltype(zero);
        using Limits = std::numeric_limits<S>;
        for (const S magnitude : {zero, Limits::denorm_min(), Limits::min(), S{1}, Limits::max(), std::nextafter(Limits::max(), zero),
                                  Limits::infinity(), Limits::quiet_NaN(), Limits::signaling_NaN()})
            for (const S value : {magnitude, std::copysign(magnitude, S{-1})}) {
                CHECK(is_finite(value) == std::isfinite(value));
                CHECK(is_nan(value) == std::isnan(value));
            }
        static_assert(is_finite(S{0}) && is_finite(-Limits::max()) && !is_finite(Limits::infinity()) && !is_finite(-Limits::quiet_NaN()));
        static_assert(!is_nan(S{0}) && !is_nan(-Limits::infinity()) && is_nan(Limits::quiet_NaN()));
    };
    check(0.0f);
    check(0.0);
}
