// SPDX-License-Identifier: MIT
/// @file Functions of one element and of two in vectors: against the standard library's in double, over all magnitudes, with the same
/// bits for every instruction set.
#include "catch.hpp"
#include "kernels/sets.hpp"

#include <espalier/kernels/simd/kernels.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

using namespace espalier;
using namespace espalier::kernels;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float most = std::numeric_limits<float>::max();
constexpr float denormal = std::numeric_limits<float>::denorm_min();

/// Numbers of both signs and of every magnitude, and more of them where functions bend.
std::vector<float> sweep() {
    std::vector<float> numbers{0.0F, -0.0F, denormal, -denormal, most, -most, infinity, -infinity};
    for (std::uint64_t bits = 0; bits < 0x7F800000U; bits += 50021)
        for (const std::uint32_t sign : {0x00000000U, 0x80000000U})
            numbers.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(bits) | sign));
    for (int i = -55'000; i <= 55'000; ++i)
        numbers.push_back(static_cast<float>(i) / 500);
    return numbers;
}

/// f(x), or what it makes of a cotangent of 1 that comes back.
template <class F>
std::vector<float> run(Isa isa, const std::vector<float>& x, bool back = false, float parameter = 0) {
    const auto n = static_cast<Index>(x.size());
    std::vector<float> y(x.size());
    simd::kernels_of<F>(isa).value(n, x.data(), y.data(), parameter);
    if (!back)
        return y;
    std::vector<float> dy(x.size(), 1);
    simd::kernels_of<F>(isa).pull(n, x.data(), y.data(), dy.data(), parameter);
    return dy;
}

/// Units in the last place of the float nearest to `expected`.
double units_off(float got, double expected) {
    const auto nearest = static_cast<float>(expected);
    if (got == nearest || (std::isnan(got) && std::isnan(nearest)))
        return 0;
    const float size = std::min(std::abs(nearest), most);
    const float unit = size < most ? std::nextafter(size, infinity) - size : size - std::nextafter(size, 0.0F);
    return std::abs(static_cast<double>(got) - expected) / static_cast<double>(unit);
}

bool same(float a, float b) {
    return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b) || (std::isnan(a) && std::isnan(b));
}

/// The values, and the same bits from each instruction set.
template <class F, class Reference>
void check_value(const std::string& name, double units, const Reference& reference, float parameter = 0) {
    const std::vector<float> x = sweep();
    const std::vector<float> expected = run<F>(Isa::baseline, x, false, parameter);
    for (const Isa isa : testing::sets()) {
        CAPTURE(name, isa_name(isa));
        const std::vector<float> y = run<F>(isa, x, false, parameter);
        for (std::size_t i = 0; i < x.size(); ++i) {
            const double right = reference(static_cast<double>(x[i]));
            if (!(units_off(y[i], right) <= units) || !same(y[i], expected[i]))  // millions of them: too many assertions
                FAIL("expected " << right << " at " << x[i] << ", got " << y[i] << ", with baseline " << expected[i]);
        }
        SUCCEED();
    }
}

/// The derivatives, to a share of their size or of the `scale` of what they are a difference of.
template <class F, class Reference>
void check_derivative(const std::string& name, double scale, const Reference& reference, float parameter = 0) {
    const std::vector<float> x = sweep();
    const std::vector<float> expected = run<F>(Isa::baseline, x, true, parameter);
    for (const Isa isa : testing::sets()) {
        CAPTURE(name, isa_name(isa));
        const std::vector<float> dy = run<F>(isa, x, true, parameter);
        for (std::size_t i = 0; i < x.size(); ++i) {
            const double derivative = reference(static_cast<double>(x[i]));
            const double off = std::abs(static_cast<double>(dy[i]) - derivative);
            const bool near = std::abs(derivative) > static_cast<double>(most) ? !std::isfinite(dy[i])
                                                                               : off <= 4e-7 * std::max(std::abs(derivative), scale);
            if ((!near && !std::isnan(derivative)) || !same(dy[i], expected[i]))
                FAIL("expected " << derivative << " at " << x[i] << ", got " << dy[i] << ", with baseline " << expected[i]);
        }
        SUCCEED();
    }
}

double sigmoid(double x) { return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x)); }
double normal(double x) { return std::erfc(-x / std::sqrt(2.0)) / 2; }
double density(double x) { return std::exp(-x * x / 2) / std::sqrt(2 * std::acos(-1.0)); }

}  // namespace

TEST_CASE("functions of an element are right to the last places from 0 to infinity, with the same bits everywhere", "[functions]") {
    check_value<Exp>("exp", 1.5, [](double x) { return std::exp(x); });
    check_value<Log>("log", 1, [](double x) { return std::log(x); });
    check_value<Sqrt>("sqrt", 0.5, [](double x) { return std::sqrt(x); });
    check_value<Tanh>("tanh", 1.5, [](double x) { return std::tanh(x); });
    check_value<Sigmoid>("sigmoid", 2.5, sigmoid);
    check_value<Gelu>("gelu", 5, [](double x) { return x < -40 ? -0.0 : x * normal(x); });  // of the far tail as well
    check_value<Relu>("relu", 0, [](double x) { return x < 0 ? 0 : x; });
    check_value<Relu6>("relu6", 0, [](double x) { return std::clamp(x, 0.0, 6.0); });
    check_value<LeakyRelu>(
        "leaky relu", 0, [](double x) { return x > 0 ? x : static_cast<double>(0.3F * static_cast<float>(x)); }, 0.3F);
    check_value<Scale>(
        "scale", 0, [](double x) { return static_cast<double>(static_cast<float>(x) * 1.7F); }, 1.7F);
    check_value<Shift>(
        "shift", 0, [](double x) { return static_cast<double>(static_cast<float>(x) + 1.7F); }, 1.7F);
}

TEST_CASE("what comes back through functions of an element is right, with the same bits everywhere", "[functions]") {
    check_derivative<Exp>("exp", 1e-37, [](double x) { return std::exp(x); });
    check_derivative<Log>("log", 1e-37, [](double x) { return 1 / x; });
    check_derivative<Sqrt>("sqrt", 1e-37, [](double x) { return x <= 0 ? INFINITY : 1 / (2 * std::sqrt(x)); });
    check_derivative<Tanh>("tanh", 1, [](double x) { return 1 - std::tanh(x) * std::tanh(x); });
    check_derivative<Sigmoid>("sigmoid", 1, [](double x) { return sigmoid(x) * sigmoid(-x); });
    check_derivative<Gelu>("gelu", 1, [](double x) { return normal(x) + std::clamp(x, -50.0, 50.0) * density(x); });
    check_derivative<Relu>("relu", 0, [](double x) { return x > 0 ? 1 : 0; });
    check_derivative<Relu6>("relu6", 0, [](double x) { return x > 0 && x < 6 ? 1 : 0; });
    check_derivative<LeakyRelu>(
        "leaky relu", 0, [](double x) { return x > 0 ? 1 : static_cast<double>(0.3F); }, 0.3F);
    check_derivative<Scale>(
        "scale", 0, [](double) { return static_cast<double>(1.7F); }, 1.7F);
    check_derivative<Shift>(
        "shift", 0, [](double) { return 1; }, 1.7F);
}

TEST_CASE("the small derivatives of gelu's tail have their digits", "[functions]") {
    for (const Isa isa : testing::sets()) {
        std::vector<float> x;
        for (int i = 0; i < 8000; ++i)
            x.push_back(-12.0F + static_cast<float>(i) / 800);
        const std::vector<float> dy = run<Gelu>(isa, x, true);
        for (std::size_t i = 0; i < x.size(); ++i) {
            const auto at = static_cast<double>(x[i]);
            CAPTURE(isa_name(isa), x[i]);
            REQUIRE(std::abs(static_cast<double>(dy[i]) - (normal(at) + at * density(at))) <= 1e-6 * std::abs(at * density(at)));
        }
    }
}

TEST_CASE("NaN passes, zeros keep their sign, and what has a value at infinity takes it", "[functions]") {
    for (const Isa isa : testing::sets()) {
        CAPTURE(isa_name(isa));
        const auto at = [&]<class F>(F, float x) { return run<F>(isa, {x})[0]; };
        const auto for_all = [&](const auto& check) {
            check(Exp{}), check(Log{}), check(Sqrt{}), check(Tanh{}), check(Sigmoid{}), check(Gelu{}), check(Relu{}), check(LeakyRelu{}),
                check(Relu6{});
        };
        for_all([&](auto f) { CHECK(std::isnan(at(f, NAN))); });
        for_all([&]<class F>(F) {
            if (!std::is_same_v<F, Relu> && !std::is_same_v<F, LeakyRelu> && !std::is_same_v<F, Relu6>)
                CHECK(std::isnan(run<F>(isa, {NAN}, true)[0]));
        });
        CHECK(same(at(Tanh{}, -0.0F), -0.0F));
        CHECK(same(at(Gelu{}, -0.0F), -0.0F));
        CHECK(same(at(Gelu{}, -infinity), -0.0F));
        CHECK(same(at(Sqrt{}, -0.0F), -0.0F));
        CHECK(at(Gelu{}, infinity) == infinity);
        CHECK(at(Log{}, -0.0F) == -infinity);
        CHECK(std::isnan(at(Log{}, -denormal)));
        CHECK(at(Log{}, denormal) == Approx(-103.2789));
        CHECK(at(Exp{}, -103.9F) == denormal);
        CHECK(at(Exp{}, -104.5F) == 0);
        CHECK(at(Exp{}, 88.73F) == infinity);
        CHECK(at(Tanh{}, denormal) == denormal);
        CHECK(at(Tanh{}, 9.2F) == 1);
        CHECK(at(Sigmoid{}, -103.9F) == denormal);
    }
}

TEST_CASE("functions of two elements and what comes back, with the same bits everywhere, for any length", "[functions]") {
    const std::vector<float> numbers{0.0F, -0.0F, 1, -3, 0.3F, 1e30F, -1e-30F, most, denormal, infinity, NAN, 7, -0.1F};
    std::vector<float> a, b, dy;
    for (const float left : numbers)
        for (const float right : numbers) {
            a.push_back(left);
            b.push_back(right);
            dy.push_back(1.0F + 0.1F * static_cast<float>(a.size()));
        }
    const auto check = [&]<class F>(F) {
        for (const Isa isa : testing::sets())
            for (std::size_t n = 1; n < a.size(); n += n < 40 ? 1 : 17) {
                const auto count = static_cast<Index>(n);
                const simd::CombineKernels& kernels = simd::kernels_of<F>(isa);
                std::vector<float> y(n + 1, 77), left(n + 1, 77), right(n + 1, 77);
                kernels.value(count, a.data(), b.data(), y.data());
                kernels.pull_left(count, a.data(), b.data(), dy.data(), left.data());
                kernels.pull_right(count, a.data(), b.data(), dy.data(), right.data());
                for (std::size_t i = 0; i < n; ++i) {
                    CAPTURE(isa_name(isa), a[i], b[i]);
                    REQUIRE(same(y[i], F::value(a[i], b[i])));
                    REQUIRE(same(left[i], F::pull_left(a[i], b[i], dy[i])));
                    REQUIRE(same(right[i], F::pull_right(a[i], b[i], dy[i])));
                }
                REQUIRE((y[n] == 77 && left[n] == 77 && right[n] == 77));
            }
    };
    check(Add{}), check(Subtract{}), check(Multiply{}), check(Divide{});
}

TEST_CASE("an element has the same bits wherever in an array it stands, and nothing beside it is touched", "[functions]") {
    std::vector<float> x;
    for (int i = 0; i < 70; ++i)
        x.push_back(-7.0F + static_cast<float>(i) / 5);
    for (const Isa isa : testing::sets()) {
        const std::vector<float> all = run<Gelu>(isa, x);
        for (std::size_t first = 0; first < 20; ++first)
            for (std::size_t n = 1; first + n < x.size(); ++n) {
                std::vector<float> y(n + 1, 77);
                simd::kernels_of<Gelu>(isa).value(static_cast<Index>(n), x.data() + first, y.data(), 0);
                REQUIRE(y[n] == 77);
                y.pop_back();
                REQUIRE(std::equal(y.begin(), y.end(), all.begin() + static_cast<std::ptrdiff_t>(first)));
            }
    }
}
