// SPDX-License-Identifier: MIT
#include "catch.hpp"

#include <espalier/kernels/attention_back.hpp>
#include <espalier/tensor/tensor.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

using namespace espalier;

namespace {

struct Case {
    Index samples = 1, heads = 1, kv_heads = 1, queries = 1, keys = 1, width = 4, value_width = 4;
    bool causal = false, masked = false;
    std::vector<Index> query_lengths = {}, key_lengths = {};
    double dropout = 0;
};

/// Inputs, results and what comes back, the heads side by side.
template <class Scalar>
struct Attention {
    explicit Attention(const Case& the_case, std::uint64_t seed = 3) : c{the_case}, mask{Shape{c.queries, c.keys}} {
        Random random{seed};
        q = Tensor<Scalar>::normal({c.samples, c.queries, c.heads * c.width}, random);
        k = Tensor<Scalar>::normal({c.samples, c.keys, c.kv_heads * c.width}, random);
        v = Tensor<Scalar>::normal({c.samples, c.keys, c.kv_heads * c.value_width}, random);
        dy = Tensor<Scalar>::normal({c.samples, c.queries, c.heads * c.value_width}, random);
        for (Index i = 0; i < mask.numel(); ++i)
            mask[i] = random.below(4) != 0 && i / std::max<Index>(c.keys, 1) != 2;  // the third query sees nothing
    }

    [[nodiscard]] kernels::AttentionRule<Scalar> rule() const {
        return {c.samples,
                c.heads,
                c.kv_heads,
                c.queries,
                c.keys,
                c.width,
                c.value_width,
                Scalar(0.5),
                c.causal,
                c.query_lengths.empty() ? nullptr : c.query_lengths.data(),
                c.key_lengths.empty() ? nullptr : c.key_lengths.data(),
                c.masked ? mask.data() : nullptr,
                0,
                c.dropout,
                Random{9}};
    }
    template <class T>
    [[nodiscard]] static auto rows(T& x) {
        return kernels::HeadRows<std::remove_pointer_t<decltype(x.data())>>{x.data(), x.size(1) * x.size(2), x.size(2)};
    }

    void run() {
        y = Tensor<Scalar>::full(dy.shape(), 7);
        dq = Tensor<Scalar>::full(q.shape(), 7);
        dk = Tensor<Scalar>::full(k.shape(), 7);
        dv = Tensor<Scalar>::full(v.shape(), 7);
        std::vector<kernels::SumExp<Scalar>> totals(static_cast<std::size_t>(c.samples * c.heads * c.queries));
        kernels::attention<Scalar>(rule(), rows(std::as_const(q)), rows(std::as_const(k)), rows(std::as_const(v)), rows(y), totals.data());
        kernels::attention_back<Scalar>(rule(),
                                        {rows(std::as_const(q)), rows(std::as_const(k)), rows(std::as_const(v)), rows(std::as_const(y)),
                                         totals.data(), rows(std::as_const(dy))},
                                        rows(dq), rows(dk), rows(dv));
    }

    /// From the definition, with the whole matrix of weights.
    void run_plainly() {
        y = Tensor<Scalar>{dy.shape()};
        dq = Tensor<Scalar>{q.shape()};
        dk = Tensor<Scalar>{k.shape()};
        dv = Tensor<Scalar>{v.shape()};
        for (Index s = 0; s < c.samples; ++s)
            for (Index h = 0; h < c.heads; ++h)
                for (Index i = 0; i < (c.query_lengths.empty() ? c.queries : c.query_lengths[static_cast<std::size_t>(s)]); ++i)
                    of_query(s, h, i);
    }
    void of_query(Index s, Index h, Index i) {
        const Index g = h / (c.heads / c.kv_heads), keys = c.key_lengths.empty() ? c.keys : c.key_lengths[static_cast<std::size_t>(s)];
        std::vector<Index> seen;
        for (Index j = 0; j < keys; ++j)
            if ((!c.causal || j <= i) && (!c.masked || mask.at(i, j)))
                seen.push_back(j);
        std::vector<double> weight, back;
        double sum = 0, mean = 0;
        for (const Index j : seen) {
            double score = 0;
            for (Index e = 0; e < c.width; ++e)
                score += static_cast<double>(q.at(s, i, h * c.width + e)) * static_cast<double>(k.at(s, j, g * c.width + e));
            weight.push_back(std::exp(score / 2));
            sum += weight.back();
        }
        for (std::size_t n = 0; n < seen.size(); ++n) {
            weight[n] /= sum;
            back.push_back(0);
            for (Index e = 0; e < c.value_width; ++e) {
                const auto value = static_cast<double>(v.at(s, seen[n], g * c.value_width + e));
                const auto d = static_cast<double>(dy.at(s, i, h * c.value_width + e));
                y.at(s, i, h * c.value_width + e) += static_cast<Scalar>(weight[n] * value);
                dv.at(s, seen[n], g * c.value_width + e) += static_cast<Scalar>(weight[n] * d);
                back[n] += d * value;
            }
            mean += weight[n] * back[n];
        }
        for (std::size_t n = 0; n < seen.size(); ++n)
            for (Index e = 0; e < c.width; ++e) {
                const double slope = weight[n] * (back[n] - mean) / 2;
                dq.at(s, i, h * c.width + e) += static_cast<Scalar>(slope * static_cast<double>(k.at(s, seen[n], g * c.width + e)));
                dk.at(s, seen[n], g * c.width + e) += static_cast<Scalar>(slope * static_cast<double>(q.at(s, i, h * c.width + e)));
            }
    }

    Case c;
    Tensor<bool> mask;
    Tensor<Scalar> q, k, v, dy, y, dq, dk, dv;
};

template <class Scalar>
void check_near(const Tensor<Scalar>& a, const Tensor<Scalar>& b, double tolerance) {
    REQUIRE(a.shape() == b.shape());
    double worst = 0;
    for (Index i = 0; i < a.numel(); ++i)
        worst = std::max(worst, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
    CHECK(worst <= tolerance);
}

const std::vector<Case> cases{
    {},
    {.queries = 128, .keys = 256},
    {.queries = 129, .keys = 257, .width = 5, .value_width = 3},
    {.queries = 300, .keys = 300, .width = 16, .value_width = 16, .causal = true},
    {.queries = 100, .keys = 700, .causal = true},  // no query sees the last keys
    {.queries = 700, .keys = 100, .causal = true, .masked = true},
    {.queries = 131, .keys = 530, .masked = true},
    {.samples = 3, .heads = 4, .kv_heads = 2, .queries = 140, .keys = 270, .query_lengths = {140, 0, 129}, .key_lengths = {257, 30, 0}},
    {.samples = 2, .queries = 3, .keys = 0},
    {.samples = 2, .queries = 0, .keys = 3},
};

}  // namespace

TEMPLATE_TEST_CASE("attention and what comes back are the definition's, in blocks of any kind", "[kernels][attention]", float, double) {
    const double tolerance = std::is_same_v<TestType, float> ? 3e-5 : 1e-13;
    for (std::size_t i = 0; i < cases.size(); ++i) {
        CAPTURE(i);
        Attention<TestType> ours{cases[i]}, plain{cases[i]};
        ours.run();
        plain.run_plainly();
        check_near(ours.y, plain.y, tolerance);
        check_near(ours.dq, plain.dq, tolerance);
        check_near(ours.dk, plain.dk, tolerance);
        check_near(ours.dv, plain.dv, tolerance);
    }
}

TEST_CASE("with dropout, what comes back is the slope of the result", "[kernels][attention]") {
    Attention<double> a{{.heads = 2, .kv_heads = 1, .queries = 140, .keys = 300, .causal = true, .dropout = 0.4}};
    a.run();
    const auto result = [&] {
        Attention<double> moved = a;
        moved.run();
        double sum = 0;
        for (Index i = 0; i < moved.y.numel(); ++i)
            sum += moved.y[i] * moved.dy[i];
        return sum;
    };
    Attention<double> at = a;
    Random random{4};
    for (const auto& [input, slope] : {std::pair{&a.q, &at.dq}, {&a.k, &at.dk}, {&a.v, &at.dv}})
        for (int times = 0; times < 4; ++times) {
            double& element = (*input)[random.below(input->numel())];
            const Index place = &element - input->data();
            const double before = element, step = 1e-5;
            element = before + step;
            const double above = result();
            element = before - step;
            const double below = result();
            element = before;
            CHECK(std::abs((above - below) / (2 * step) - (*slope)[place]) <= 1e-7);
        }
}

TEST_CASE("a sequence has the same bits alone and among others, behind whose ends anything may stand", "[kernels][attention]") {
    for (const bool causal : {false, true}) {
        const Case alone_case{.samples = 1, .heads = 2, .kv_heads = 2, .queries = 150, .keys = 290, .causal = causal};
        Case padded_case = alone_case;
        padded_case.samples = 2;
        padded_case.queries = 400;
        padded_case.keys = 900;
        padded_case.query_lengths = {150, 400};
        padded_case.key_lengths = {290, 900};
        Attention<float> alone{alone_case}, padded{padded_case, 8};
        const auto copy = [](const Tensor<float>& from, Tensor<float>& to) {
            for (Index i = 0; i < to.size(1); ++i)
                for (Index e = 0; e < to.size(2); ++e)
                    to.at(0, i, e) = i < from.size(1) ? from.at(0, i, e) : NAN;
        };
        copy(alone.q, padded.q);
        copy(alone.k, padded.k);
        copy(alone.v, padded.v);
        copy(alone.dy, padded.dy);
        alone.run();
        padded.run();
        const auto same = [](const Tensor<float>& a, const Tensor<float>& b) {
            bool result = true;
            for (Index i = 0; i < b.size(1); ++i)
                for (Index e = 0; e < b.size(2); ++e)
                    result = result && b.at(0, i, e) == (i < a.size(1) ? a.at(0, i, e) : 0.0F);
            return result;
        };
        CHECK(same(alone.y, padded.y));
        CHECK(same(alone.dq, padded.dq));
        CHECK(same(alone.dk, padded.dk));
        CHECK(same(alone.dv, padded.dv));
    }
}
