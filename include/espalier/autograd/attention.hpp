// SPDX-License-Identifier: MIT
/// @file Scaled dot-product attention (Vaswani et al., Attention is all you need, NeurIPS 2017), without the matrix of its weights.
#pragma once

#include <espalier/autograd/record.hpp>
#include <espalier/core/finite.hpp>
#include <espalier/kernels/attention.hpp>
#include <espalier/kernels/attention_back.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <type_traits>
#include <utility>

namespace espalier::inline ESPALIER_ABI::autograd {

/// Of `scaled_dot_product_attention`. Designated initialisers stand in this order.
struct AttentionOptions {
    Index heads = 1;      ///< of the queries
    Index kv_heads = 0;   ///< of keys and values, each for so many heads of queries (grouped queries); 0: as many as of the queries
    bool causal = false;  ///< query i sees the keys up to i
    double scale = 0;     ///< of the scores; 0: 1 / sqrt(width of a head)
    double dropout = 0;   ///< of weights, in [0, 1)
    /// (N,): of each sample's sequences, 0 to L. What is behind them is not read, gives 0 and gets no gradient.
    std::optional<Tensor<Index>> query_lengths = {};
    std::optional<Tensor<Index>> key_lengths = {};
    /// (queries, keys) or (N, queries, keys): the pairs that see each other. What lies behind the last of them is not read either.
    std::optional<Tensor<bool>> mask = {};
};

namespace detail {

inline void check_lengths(const char* operation, const char* whose, const std::optional<Tensor<Index>>& lengths, Index samples,
                          Index most) {
    if (!lengths)
        return;
    require<ShapeError>(lengths->shape() == Shape{samples}, operation, "expected lengths (", samples, ",) of the ", whose, ", got ",
                        lengths->shape());
    for (const Index length : *lengths)
        require<ValueError>(length >= 0 && length <= most, operation, "expected lengths of 0 to ", most, " of the ", whose, ", got ",
                            length);
}

/// Which columns of which input hold queries, keys or values.
struct AttentionPart {
    std::size_t input;
    Index column;
};

/// Extents of what is attended to, and of heads.
struct AttentionExtents {
    Index samples, queries, keys, width, value_width;
};

/// The rule of checked options, which point nowhere yet. @throws as `scaled_dot_product_attention`
template <class Scalar>
[[nodiscard]] kernels::AttentionRule<Scalar> attention_rule(const char* operation, const AttentionExtents& e,
                                                            const AttentionOptions& options, Random* random) {
    check_lengths(operation, "queries", options.query_lengths, e.samples, e.queries);
    check_lengths(operation, "keys", options.key_lengths, e.samples, e.keys);
    const Shape one{e.queries, e.keys};
    require<ShapeError>(!options.mask || options.mask->shape() == one || options.mask->shape() == one.prepended(e.samples), operation,
                        "expected a mask ", one, " or ", one.prepended(e.samples), ", got ", options.mask ? options.mask->shape() : one);
    require<ValueError>(is_finite(options.scale) && options.dropout >= 0 && options.dropout < 1, operation,
                        "expected a finite scale and a dropout in [0, 1), got ", options.scale, " and ", options.dropout);
    require<ValueError>(options.dropout == 0 || random, operation, "expected a stream of random numbers beside a dropout of ",
                        options.dropout, ", got none");
    const Random drawn = random ? *random : Random{};
    if (options.dropout > 0)
        random->skip(static_cast<std::uint64_t>(e.samples * options.heads * e.queries) * kernels::dropout_draws(e.keys));
    return {.samples = e.samples,
            .heads = options.heads,
            .kv_heads = options.kv_heads ? options.kv_heads : options.heads,
            .queries = e.queries,
            .keys = e.keys,
            .width = e.width,
            .value_width = e.value_width,
            .scale = static_cast<Scalar>(options.scale != 0 ? options.scale : 1 / std::sqrt(static_cast<double>(e.width))),
            .causal = options.causal,
            .query_lengths = nullptr,
            .key_lengths = nullptr,
            .mask = nullptr,
            .mask_step = options.mask && options.mask->rank() == 3 ? e.queries * e.keys : 0,
            .dropout = options.dropout,
            .random = drawn};
}

/// With lengths that end with the last query that sees anything, and the last key that is seen: padding that a mask hides is then never
/// read, as that behind lengths is not. The mask has been checked.
[[nodiscard]] inline AttentionOptions up_to_last_pair(AttentionOptions options, const AttentionExtents& e) {
    if (!options.mask)
        return options;
    Tensor<Index> queries{Shape{e.samples}}, keys{Shape{e.samples}};
    const bool one = options.mask->rank() == 2 && !options.query_lengths && !options.key_lengths;
    for (Index n = 0; n < e.samples; ++n) {
        if (one && n > 0) {
            queries[n] = queries[0];
            keys[n] = keys[0];
            continue;
        }
        const bool* const mask = options.mask->data() + (options.mask->rank() == 3 ? n * e.queries * e.keys : 0);
        const Index there = options.key_lengths ? (*options.key_lengths)[n] : e.keys;
        for (Index i = options.query_lengths ? (*options.query_lengths)[n] : e.queries; i-- > 0;) {
            Index last = options.causal ? std::min(there, i + 1) : there;
            while (last > keys[n] && !mask[i * e.keys + last - 1])
                --last;
            if (last <= keys[n])
                continue;
            keys[n] = last;
            queries[n] = std::max(queries[n], i + 1);
        }
    }
    options.query_lengths = std::move(queries);
    options.key_lengths = std::move(keys);
    return options;
}

/// With what the options hold, which are kept with the operation, wherever they are just now.
template <class Scalar>
[[nodiscard]] kernels::AttentionRule<Scalar> pointing(kernels::AttentionRule<Scalar> rule, const AttentionOptions& kept) noexcept {
    rule.query_lengths = kept.query_lengths ? kept.query_lengths->data() : nullptr;
    rule.key_lengths = kept.key_lengths ? kept.key_lengths->data() : nullptr;
    rule.mask = kept.mask ? kept.mask->data() : nullptr;
    return rule;
}

/// Of inputs (N, L, ...), whose parts begin at their columns; `width` of a query's head, `value_width` of a value's.
template <class Scalar>
[[nodiscard]] Variable<Scalar> attention(const char* operation, std::initializer_list<Variable<Scalar>> inputs,
                                         const std::array<AttentionPart, 3>& parts, Index width, Index value_width,
                                         const AttentionOptions& options, Random* random) {
    const auto input = [&](std::size_t part) -> const Variable<Scalar>& { return inputs.begin()[parts[part].input]; };
    const auto rows_of = [parts](std::size_t part, auto* data, const Shape& shape) {
        return kernels::HeadRows<std::remove_reference_t<decltype(*data)>>{data + parts[part].column, shape[1] * shape[2], shape[2]};
    };
    const auto value_of = [&](std::size_t part) { return rows_of(part, input(part).value().data(), input(part).shape()); };
    const Index samples = input(0).size(0), queries = input(0).size(1), all_widths = options.heads * value_width;
    const AttentionExtents extents{samples, queries, input(1).size(1), width, value_width};
    const auto rule = attention_rule<Scalar>(operation, extents, options, random);
    AttentionOptions kept = up_to_last_pair(options, extents);
    const auto in_heads = [=](auto* data) {
        return kernels::HeadRows<std::remove_reference_t<decltype(*data)>>{data, queries * all_widths, all_widths};
    };
    auto y = Tensor<Scalar>::empty({samples, queries, all_widths});
    PoolVector<kernels::SumExp<Scalar>> totals(static_cast<std::size_t>(samples * options.heads * queries));
    kernels::attention<Scalar>(pointing(rule, kept), value_of(0), value_of(1), value_of(2), in_heads(y.data()), totals.data());
    return record<Scalar>(operation, std::move(y), inputs, [=, kept = std::move(kept), totals = std::move(totals)](Gradients<Scalar>& g) {
        PoolVector<Tensor<Scalar>> gradients;
        for (std::size_t i = 0; i < g.inputs(); ++i)
            gradients.push_back(Tensor<Scalar>::empty(g.input(i).shape().prepended(g.rows())));
        for (Index t = 0; t < g.rows(); ++t) {
            const auto value = [&](std::size_t part) {
                return rows_of(part, g.input(parts[part].input).data(), g.input(parts[part].input).shape());
            };
            const auto gradient = [&](std::size_t part) {
                const std::size_t i = parts[part].input;
                return rows_of(part, gradients[i].data() + t * g.input(i).numel(), g.input(i).shape());
            };
            const Scalar* const dy = std::as_const(g.cotangent()).data() + t * samples * queries * all_widths;
            kernels::attention_back<Scalar>(pointing(rule, kept),
                                            {value(0), value(1), value(2), in_heads(g.output().data()), totals.data(), in_heads(dy)},
                                            gradient(0), gradient(1), gradient(2));
        }
        for (std::size_t i = 0; i < gradients.size(); ++i)
            g.add(i, std::move(gradients[i]));
    });
}

inline void check_heads(const char* operation, const AttentionOptions& options) {
    const Index kv_heads = options.kv_heads ? options.kv_heads : options.heads;
    require<ValueError>(options.heads > 0 && kv_heads > 0 && options.heads % kv_heads == 0, operation,
                        "expected a number of heads above 0 that those of the keys divide, got ", options.heads, " and ", kv_heads);
}

}  // namespace detail

/// softmax(q k^T scale) v for each head: queries (N, Lq, heads width), keys (N, Lk, kv_heads width) and values (N, Lk, kv_heads
/// value_width) give (N, Lq, heads value_width), the heads side by side in the last axis. Holds some rows of the weights (Lq, Lk) of a head
/// at a time, forward and backward, never all. A query that sees no key gives 0 (PyTorch: NaN). `random` is asked where there is dropout,
/// and advanced by a draw for each weight.
/// @throws ShapeError for inputs, lengths or a mask that do not fit; ValueError for heads that do not divide, or a length, scale or dropout
/// out of range
template <class Scalar>
[[nodiscard]] Variable<Scalar> scaled_dot_product_attention(const Variable<Scalar>& q, const Variable<Scalar>& k, const Variable<Scalar>& v,
                                                            const AttentionOptions& options = {}, Random* random = nullptr) {
    const char* const operation = "scaled_dot_product_attention";
    detail::check_heads(operation, options);
    const Index kv_heads = options.kv_heads ? options.kv_heads : options.heads;
    require<ShapeError>(q.rank() == 3 && k.rank() == 3 && v.rank() == 3 && q.size(0) == k.size(0) && q.size(0) == v.size(0) &&
                            k.size(1) == v.size(1) && q.size(2) % options.heads == 0 && q.size(2) / options.heads * kv_heads == k.size(2) &&
                            v.size(2) % kv_heads == 0,
                        operation, "expected queries (N, Lq, ", options.heads, " D), keys (N, Lk, ", kv_heads, " D) and values (N, Lk, ",
                        kv_heads, " E), got ", q.shape(), ", ", k.shape(), " and ", v.shape());
    return detail::attention<Scalar>(operation, {q, k, v}, {{{0, 0}, {1, 0}, {2, 0}}}, q.size(2) / options.heads, v.size(2) / kv_heads,
                                     options, random);
}

/// The same of queries, keys and values that lie side by side, (N, L, (heads + 2 kv_heads) width), as one linear layer makes them: nothing
/// is copied. @throws as above
template <class Scalar>
[[nodiscard]] Variable<Scalar> self_attention(const Variable<Scalar>& qkv, const AttentionOptions& options = {}, Random* random = nullptr) {
    const char* const operation = "self_attention";
    detail::check_heads(operation, options);
    const Index kv_heads = options.kv_heads ? options.kv_heads : options.heads, all = options.heads + 2 * kv_heads;
    require<ShapeError>(qkv.rank() == 3 && qkv.size(2) % all == 0, operation, "expected (N, L, ", all, " D), got ", qkv.shape());
    const Index width = qkv.size(2) / all;
    return detail::attention<Scalar>(operation, {qkv}, {{{0, 0}, {0, options.heads * width}, {0, (options.heads + kv_heads) * width}}},
                                     width, width, options, random);
}

}  // namespace espalier::inline ESPALIER_ABI::autograd
