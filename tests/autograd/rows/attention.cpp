// SPDX-License-Identifier: MIT
#include "autograd/registry.hpp"

#include <espalier/autograd/attention.hpp>

namespace registry {
namespace {

namespace ag = espalier::autograd;

/// Who sees whom, of (samples, queries, keys).
ag::AttentionOptions attention_options(const Attributes& a, Index samples, Index queries, Index keys) {
    ag::AttentionOptions options{.heads = a.index("heads", 1),
                                 .kv_heads = a.index("kv_heads"),
                                 .causal = a.flag("causal"),
                                 .scale = a.number("scale"),
                                 .dropout = a.number("dropout")};
    if (a.contains("query_lengths"))
        options.query_lengths = a.tensor<Index>("query_lengths", {samples});
    if (a.contains("key_lengths"))
        options.key_lengths = a.tensor<Index>("key_lengths", {samples});
    if (a.contains("pairs")) {
        const bool each = static_cast<Index>(a.list("pairs").size()) > queries * keys;
        options.mask = a.tensor<bool>("pairs", each ? Shape{samples, queries, keys} : Shape{queries, keys});
    }
    return options;
}

template <class Scalar>
Variable<Scalar> attend(const Variables<Scalar>& v, const Attributes& a) {
    Random random{5};  // anew for each call, so that all drop the same weights
    return ag::scaled_dot_product_attention(v[0], v[1], v[2], attention_options(a, v[0].size(0), v[0].size(1), v[1].size(1)), &random);
}
template <class Scalar>
Variable<Scalar> attend_to_itself(const Variables<Scalar>& v, const Attributes& a) {
    Random random{5};
    return ag::self_attention(v[0], attention_options(a, v[0].size(0), v[0].size(1), v[0].size(1)), &random);
}

std::vector<double> random_lengths(Index samples, Index most, Random& random) {
    std::vector<double> result;
    for (Index i = 0; i < samples; ++i)
        result.push_back(static_cast<double>(between(random, 0, most)));
    return result;
}

/// Attributes of any kind for (samples, queries, keys), and how many heads there are of both kinds.
Attributes any_rule(Random& random, Index samples, Index queries, Index keys, Index heads, Index kv_heads) {
    Attributes a{{"heads", {static_cast<double>(heads)}}, {"kv_heads", {static_cast<double>(kv_heads)}}};
    a.set("causal", std::vector<double>{random.below(3) == 0 ? 1.0 : 0.0});
    a.set("dropout", std::vector<double>{random.below(3) == 0 ? 0.3 : 0.0});
    if (random.below(2))
        a.set("scale", std::vector<double>{0.7});
    if (random.below(2))
        a.set("query_lengths", random_lengths(samples, queries, random));
    if (random.below(2))
        a.set("key_lengths", random_lengths(samples, keys, random));
    if (random.below(2)) {
        std::vector<double> mask(static_cast<std::size_t>((random.below(2) ? samples : 1) * queries * keys));
        for (double& seen : mask)
            seen = random.below(3) > 0;
        a.set("pairs", std::move(mask));
    }
    return a;
}

Draw any_attention(Random& random) {
    const Index samples = between(random, 1, 3), queries = between(random, 1, 5), keys = between(random, 1, 5);
    const Index kv_heads = between(random, 1, 2), heads = kv_heads * between(random, 1, 2);
    const Index width = between(random, 1, 3), value_width = between(random, 1, 3);
    return {{normal({samples, queries, heads * width}, random), normal({samples, keys, kv_heads * width}, random),
             normal({samples, keys, kv_heads * value_width}, random)},
            any_rule(random, samples, queries, keys, heads, kv_heads)};
}

Draw any_self_attention(Random& random) {
    const Index samples = between(random, 1, 3), places = between(random, 1, 5);
    const Index kv_heads = between(random, 1, 2), heads = kv_heads * between(random, 1, 2);
    return {{normal({samples, places, (heads + 2 * kv_heads) * between(random, 1, 3)}, random)},
            any_rule(random, samples, places, places, heads, kv_heads)};
}

void call_attention(const Shape& q, const Shape& k, const Shape& v, const ag::AttentionOptions& options = {}) {
    (void)ag::scaled_dot_product_attention(zeros(q), zeros(k), zeros(v), options);
}

std::vector<Refusal> attention_refusals() {
    const std::string tag = "[scaled_dot_product_attention] ";
    const std::string shapes = tag + "expected queries (N, Lq, 2 D), keys (N, Lk, 1 D) and values (N, Lk, 1 E), got ";
    const ag::AttentionOptions grouped{.heads = 2, .kv_heads = 1};
    return {
        {[=] { call_attention({1, 4, 6}, {1, 4, 6}, {1, 4, 3}, grouped); }, shapes + "(1, 4, 6), (1, 4, 6) and (1, 4, 3)"},
        {[=] { call_attention({2, 4, 6}, {1, 4, 3}, {1, 4, 3}, grouped); }, shapes + "(2, 4, 6), (1, 4, 3) and (1, 4, 3)"},
        {[=] { call_attention({1, 4, 6}, {1, 4, 3}, {1, 5, 3}, grouped); }, shapes + "(1, 4, 6), (1, 4, 3) and (1, 5, 3)"},
        {[=] { call_attention({1, 4, 5}, {1, 4, 3}, {1, 4, 3}, grouped); }, shapes + "(1, 4, 5), (1, 4, 3) and (1, 4, 3)"},
        {[=] { call_attention({4, 6}, {4, 3}, {4, 3}, grouped); }, shapes + "(4, 6), (4, 3) and (4, 3)"},
        {[] { call_attention({1, 4, 6}, {1, 4, 6}, {1, 4, 6}, {.heads = 3, .kv_heads = 2}); },
         tag + "expected a number of heads above 0 that those of the keys divide, got 3 and 2"},
        {[] { call_attention({1, 4, 6}, {1, 4, 6}, {1, 4, 6}, {.heads = 0}); },
         tag + "expected a number of heads above 0 that those of the keys divide, got 0 and 0"},
        {[] { call_attention({1, 4, 6}, {1, 4, 6}, {1, 4, 6}, {.key_lengths = Tensor<Index>{{2}}}); },
         tag + "expected lengths (1,) of the keys, got (2,)"},
        {[] { call_attention({1, 4, 6}, {1, 5, 6}, {1, 5, 6}, {.query_lengths = Tensor<Index>::full({1}, 5)}); },
         tag + "expected lengths of 0 to 4 of the queries, got 5"},
        {[] { call_attention({1, 4, 6}, {1, 5, 6}, {1, 5, 6}, {.mask = Tensor<bool>{{5, 4}}}); }, tag + "expected a mask (4, 5) or (1, 4, 5), got (5, 4)"},
        {[] { call_attention({1, 4, 6}, {1, 5, 6}, {1, 5, 6}, {.dropout = 1}); }, tag + "expected a finite scale and a dropout in [0, 1), got 0 and 1"},
        {[] { call_attention({1, 4, 6}, {1, 5, 6}, {1, 5, 6}, {.dropout = 0.5}); },
         tag + "expected a stream of random numbers beside a dropout of 0.5, got none"},
    };
}

}  // namespace

Rows attention_rows() {
    Rows rows;
    rows.push_back(row(
        "scaled_dot_product_attention", [](const auto& v, const Attributes& a) { return attend(v, a); }, any_attention, attention_refusals()));
    rows.push_back(row(
        "self_attention", [](const auto& v, const Attributes& a) { return attend_to_itself(v, a); }, any_self_attention,
        {{[] { (void)ag::self_attention(zeros({2, 3, 10}), {.heads = 2, .kv_heads = 1}); },
          "[self_attention] expected (N, L, 4 D), got (2, 3, 10)"},
         {[] { (void)ag::self_attention(zeros({3, 8})); }, "[self_attention] expected (N, L, 3 D), got (3, 8)"},
         {[] { (void)ag::self_attention(zeros({2, 3, 6}), {.heads = -1}); },
          "[self_attention] expected a number of heads above 0 that those of the keys divide, got -1 and -1"}}));
    return rows;
}

}  // namespace registry
