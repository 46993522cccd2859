// SPDX-License-Identifier: MIT
/// @file Attention of some queries at some keys, head by head, that never holds more than a few rows of its weights.
///
/// Of a block of queries all scores are made at once, so that each row's softmax is the plain one. attention_back.hpp has the way back.
#pragma once

#include <espalier/core/random.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/kernels/dropout.hpp>
#include <espalier/kernels/row_products.hpp>
#include <espalier/kernels/softmax.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace espalier::inline ESPALIER_ABI::kernels {

/// Who looks at whom. Keys and values have `kv_heads` heads, each for heads / kv_heads of the queries.
template <class Scalar>
struct AttentionRule {
    Index samples, heads, kv_heads;
    Index queries, keys;
    Index width, value_width;      ///< of a head
    Scalar scale;                  ///< of the scores
    bool causal;                   ///< query i sees the keys up to i
    const Index* query_lengths;    ///< of each sample, or null: what is behind them is not read, and gives 0
    const Index* key_lengths;      ///< the same
    const bool* mask;              ///< (samples, queries, keys) of pairs that see each other, or null
    Index mask_step;               ///< from sample to sample, 0 for one mask
    double dropout;                ///< of weights, in [0, 1)
    Random random;                 ///< the weight of query i and key j takes draw ((sample heads + head) queries + i) keys + j

    [[nodiscard]] Index queries_of(Index sample) const noexcept { return query_lengths ? query_lengths[sample] : queries; }
    [[nodiscard]] Index keys_of(Index sample) const noexcept { return key_lengths ? key_lengths[sample] : keys; }
};

/// Rows of heads side by side: element e of head h in row l of a sample at `data + sample step + l row + h width + e`.
template <class Scalar>
struct HeadRows {
    Scalar* data;
    Index step;
    Index row;

    [[nodiscard]] Scalar* at(Index sample, Index l, Index column) const noexcept { return data + sample * step + l * row + column; }
    /// 0 in `width` columns of rows [begin, end) of a sample.
    void clear(Index sample, Index begin, Index end, Index column, Index width) const noexcept {
        for (Index l = begin; l < end; ++l)
            std::fill_n(at(sample, l, column), width, Scalar(0));
    }
};

namespace detail {

/// Elements from one row of weights to the next: rows a power of two apart would push each other out of the cache.
[[nodiscard]] inline Index attention_pitch(Index keys) noexcept { return simd::ceil_div(keys, 16) * 16 + 16; }

/// `count` queries times the scale, one behind the other.
template <class Scalar>
void scale_queries(Index count, Index width, const Scalar* q, Index row, Scalar scale, Scalar* to) noexcept {
    for (Index i = 0; i < count; ++i)
        vector_loop(0, width, [=, from = q + i * row, scaled = to + i * width](Index e) { scaled[e] = from[e] * scale; });
}

/// One head of keys and values of one sample, of which the weights of some queries are made, and dropped.
template <class Scalar>
struct AttentionWeights {
    const AttentionRule<Scalar>& rule;
    Index sample;
    Index pitch;  ///< of the rows of weights

    /// Of `seen` keys from `from` on those that query i sees if there is no mask.
    [[nodiscard]] Index seen_by(Index i, Index from, Index seen) const noexcept {
        return rule.causal ? std::clamp<Index>(i + 1 - from, 0, seen) : seen;
    }
    /// Which keys query i sees, or null for all.
    [[nodiscard]] const bool* mask_of(Index i) const noexcept {
        return rule.mask ? rule.mask + sample * rule.mask_step + i * rule.keys : nullptr;
    }
    /// Of `count` queries from `first` on and `seen` keys from `from` on, where a group of draws begins: `to` is `weights`, or what comes
    /// back to them, with some dropped.
    void drop(Index head, Index first, Index count, Index from, Index seen, const Scalar* weights, Scalar* to) const noexcept {
        for (Index i = 0; i < count; ++i) {
            const auto row = static_cast<std::uint64_t>((sample * rule.heads + head) * rule.queries + first + i);
            Random random = rule.random;
            random.skip(row * dropout_draws(rule.keys) + dropout_draws(from));
            kernels::dropout(seen, random, rule.dropout, static_cast<Scalar>(1 / (1 - rule.dropout)), weights + i * pitch, to + i * pitch);
        }
    }
};

/// One head of keys and values of one sample, and the heads of queries that look at it.
template <class Scalar>
class AttentionHead {
public:
    [[nodiscard]] static std::size_t bytes(const AttentionRule<Scalar>& r) noexcept {
        using Matrix = RowMatrix<Scalar>;
        const Index rows = rows_of(r);
        return Matrix::bytes(r.width, r.keys) + Matrix::bytes(r.keys, r.value_width) +
               simd::Scratch::bytes<Scalar>(rows * attention_pitch(r.keys)) + simd::Scratch::bytes<Scalar>(rows * r.width) +
               RowPlaces::bytes(rows, std::max(r.keys, r.width));
    }

    AttentionHead(const AttentionRule<Scalar>& rule, Index sample, Index kv_head, void* memory) noexcept
        : r_{rule},
          kv_head_{kv_head},
          keys_{rule.keys_of(sample)},
          rows_{rows_of(rule)},
          made_{rule, sample, attention_pitch(rule.keys)},
          scratch_{memory},
          places_{scratch_, rows_, std::max(rule.keys, rule.width)},
          weights_{scratch_.take<Scalar>(rows_ * made_.pitch)},
          scaled_{scratch_.take<Scalar>(rows_ * rule.width)} {}

    /// Writes y, and of each query what its weights can be made of again: top and sum of its scores, a sum of 0 if it sees none.
    void run(const HeadRows<const Scalar>& q, const HeadRows<const Scalar>& k, const HeadRows<const Scalar>& v, const HeadRows<Scalar>& y,
             SumExp<Scalar>* totals) noexcept {
        RowMatrix<Scalar> keys, values;
        keys.pack_columns(r_.width, keys_, k.at(made_.sample, 0, kv_head_ * r_.width), k.row,
                          take(RowMatrix<Scalar>::bytes(r_.width, r_.keys)));
        values.pack_rows(keys_, r_.value_width, v.at(made_.sample, 0, kv_head_ * r_.value_width), v.row,
                         take(RowMatrix<Scalar>::bytes(r_.keys, r_.value_width)));
        const Index shared = r_.heads / r_.kv_heads, queries = r_.queries_of(made_.sample);
        y.clear(made_.sample, queries, r_.queries, kv_head_ * shared * r_.value_width, shared * r_.value_width);
        for (Index head = kv_head_ * shared; head < (kv_head_ + 1) * shared; ++head)
            for (Index first = 0; first < queries; first += rows_) {
                const Index count = std::min(rows_, queries - first);
                const Index seen = r_.causal ? std::min(keys_, first + count) : keys_;
                SumExp<Scalar>* const total = totals + (made_.sample * r_.heads + head) * r_.queries + first;
                if (seen == 0) {
                    y.clear(made_.sample, first, first + count, head * r_.value_width, r_.value_width);
                    std::fill_n(total, count, SumExp<Scalar>{0, 0});
                    continue;
                }
                scale_queries(count, r_.width, q.at(made_.sample, first, head * r_.width), q.row, r_.scale, scaled_);
                keys.multiply(count, seen, r_.width, {scaled_, r_.width, 1}, weights_, made_.pitch, false, places_);
                for (Index i = 0; i < count; ++i)
                    total[i] = weigh(first + i, seen, weights_ + i * made_.pitch);
                if (r_.dropout > 0)
                    made_.drop(head, first, count, 0, seen, weights_, weights_);
                values.multiply(count, r_.value_width, seen, {weights_, made_.pitch, 1}, y.at(made_.sample, first, head * r_.value_width),
                                y.row, false, places_);
            }
    }

private:
    /// Queries that are worked on at once: their weights stay in the second-level cache.
    [[nodiscard]] static Index rows_of(const AttentionRule<Scalar>& r) noexcept {
        const Index rows = (Index{1} << 19) / static_cast<Index>(sizeof(Scalar)) / std::max<Index>(1, r.keys);
        return std::min(std::max<Index>(1, r.queries), std::clamp<Index>(rows / 8 * 8, 16, 64));
    }
    [[nodiscard]] Scalar* take(std::size_t bytes) noexcept { return scratch_.take<Scalar>(static_cast<Index>(bytes / sizeof(Scalar))); }

    /// Scores of query i become weights, 0 of keys that it does not see.
    [[nodiscard]] SumExp<Scalar> weigh(Index i, Index seen, Scalar* row) const noexcept {
        const Index of_query = made_.seen_by(i, 0, seen);
        const bool* const mask = made_.mask_of(i);
        bool any = !mask;
        for (Index j = 0; mask && j < of_query; ++j) {
            any = any || mask[j];
            row[j] = mask[j] ? row[j] : -std::numeric_limits<Scalar>::infinity();
        }
        const SumExp<Scalar> total = any ? softmax_row(of_query, row, row) : SumExp<Scalar>{0, 0};
        for (Index j = 0; mask && any && j < of_query; ++j)
            row[j] = mask[j] ? row[j] : Scalar(0);
        std::fill(row + (any ? of_query : 0), row + seen, Scalar(0));
        return total;
    }

    const AttentionRule<Scalar>& r_;
    Index kv_head_, keys_, rows_;
    AttentionWeights<Scalar> made_;
    simd::Scratch scratch_;
    RowPlaces places_;
    Scalar *weights_, *scaled_;
};

}  // namespace detail

/// y (samples, queries, heads value_width) of queries q, keys k and values v, and `totals` (samples, heads, queries), of which
/// `attention_back` makes the weights once more. Rows of y behind a sample's length are 0; those of `totals` are left as they are.
template <class Scalar>
void attention(const AttentionRule<Scalar>& rule, const HeadRows<const Scalar>& q, const HeadRows<const Scalar>& k,
               const HeadRows<const Scalar>& v, const HeadRows<Scalar>& y, SumExp<Scalar>* totals) {
    parallel_for(rule.samples * rule.kv_heads, 1, detail::AttentionHead<Scalar>::bytes(rule), [&](Index begin, Index end, void* memory) {
        for (Index i = begin; i < end; ++i)
            detail::AttentionHead<Scalar>{rule, i / rule.kv_heads, i % rule.kv_heads, memory}.run(q, k, v, y, totals);
    });
}

}  // namespace espalier::inline ESPALIER_ABI::kernels
