// SPDX-License-Identifier: MIT
/// @file Attention of some queries at some keys, head by head, that never holds more than a few rows of its weights.
///
/// Of a block of queries all scores are made at once, so that each row's softmax is the plain one; what comes back makes them once more.
#pragma once

#include <espalier/core/random.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/kernels/dropout.hpp>
#include <espalier/kernels/reduction.hpp>
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
};

namespace detail {

/// One head of keys and values of one sample, and the heads of queries that look at it.
template <class Scalar>
class AttentionHead {
public:
    /// Queries that are worked on at once: their weights stay in the second-level cache.
    [[nodiscard]] static Index block(const AttentionRule<Scalar>& r) noexcept {
        const Index rows = (Index{1} << 19) / static_cast<Index>(sizeof(Scalar)) / std::max<Index>(1, r.keys);
        return std::min(std::max<Index>(1, r.queries), std::clamp<Index>(rows / 8 * 8, 16, 64));
    }
    [[nodiscard]] static std::size_t bytes(const AttentionRule<Scalar>& r, bool backward) noexcept {
        using Matrix = RowMatrix<Scalar>;
        const Index rows = block(r), widest = std::max(r.width, r.value_width);
        std::size_t bytes = Matrix::bytes(r.width, r.keys) + (backward ? 4 : 2) * simd::Scratch::bytes<Scalar>(rows * r.keys) +
                            RowPlaces::bytes(std::max(rows, r.keys), std::max({r.keys, widest, rows}));
        bytes += backward ? Matrix::bytes(r.value_width, r.keys) + Matrix::bytes(r.keys, r.width) + 2 * Matrix::bytes(rows, widest)
                          : Matrix::bytes(r.keys, r.value_width);
        return bytes;
    }

    AttentionHead(const AttentionRule<Scalar>& rule, Index sample, Index kv_head, bool backward, void* memory) noexcept
        : r_{rule},
          sample_{sample},
          kv_head_{kv_head},
          keys_{rule.keys_of(sample)},
          rows_{block(rule)},
          scratch_{memory},
          places_{scratch_, std::max(rows_, rule.keys), std::max({rule.keys, rule.width, rule.value_width, rows_})},
          weights_{scratch_.take<Scalar>(rows_ * rule.keys)},
          kept_{scratch_.take<Scalar>(rows_ * rule.keys)} {
        if (backward) {
            slopes_ = scratch_.take<Scalar>(rows_ * rule.keys);
            dropped_ = scratch_.take<Scalar>(rows_ * rule.keys);
        }
    }

    void forward(const HeadRows<const Scalar>& q, const HeadRows<const Scalar>& k, const HeadRows<const Scalar>& v,
                 const HeadRows<Scalar>& y) noexcept {
        pack_keys(k);
        RowMatrix<Scalar> values;
        values.pack_rows(keys_, r_.value_width, v.at(sample_, 0, kv_head_ * r_.value_width), v.row,
                         take(RowMatrix<Scalar>::bytes(r_.keys, r_.value_width)));
        for_each_block(q, [&](Index head, Index first, Index count, Index seen) {
            const Scalar* const weights = r_.dropout > 0 ? dropped(head, first, count, seen) : weights_;
            values.multiply(count, r_.value_width, seen, {weights, r_.keys, 1}, y.at(sample_, first, head * r_.value_width), y.row, false,
                            places_);
        });
    }

    /// Adds to dk and dv, and writes dq.
    void backward(const HeadRows<const Scalar>& q, const HeadRows<const Scalar>& k, const HeadRows<const Scalar>& v,
                  const HeadRows<const Scalar>& dy, const HeadRows<Scalar>& dq, const HeadRows<Scalar>& dk,
                  const HeadRows<Scalar>& dv) noexcept {
        pack_keys(k);
        const Index width = r_.width, value_width = r_.value_width;
        RowMatrix<Scalar> values, keys, queries, cotangents;
        values.pack_columns(value_width, keys_, v.at(sample_, 0, kv_head_ * value_width), v.row, 1,
                            take(RowMatrix<Scalar>::bytes(value_width, r_.keys)));
        keys.pack_rows(keys_, width, k.at(sample_, 0, kv_head_ * width), k.row, take(RowMatrix<Scalar>::bytes(r_.keys, width)));
        Scalar* const of_queries = take(RowMatrix<Scalar>::bytes(rows_, width));
        Scalar* const of_cotangents = take(RowMatrix<Scalar>::bytes(rows_, value_width));
        for_each_block(q, [&](Index head, Index first, Index count, Index seen) {
            const Scalar* const from = dy.at(sample_, first, head * value_width);
            values.multiply(count, seen, value_width, {from, dy.row, 1}, slopes_, r_.keys, false, places_);
            const Scalar* const weights = r_.dropout > 0 ? dropped(head, first, count, seen) : weights_;
            cotangents.pack_rows(count, value_width, from, dy.row, of_cotangents);
            cotangents.multiply(seen, value_width, count, {weights, 1, r_.keys}, dv.at(sample_, 0, kv_head_ * value_width), dv.row, true,
                                places_);
            slopes_of_scores(count, seen);
            keys.multiply(count, width, seen, {slopes_, r_.keys, 1}, dq.at(sample_, first, head * width), dq.row, false, places_);
            queries.pack_rows(count, width, q.at(sample_, first, head * width), q.row, of_queries);
            queries.multiply(seen, width, count, {slopes_, 1, r_.keys}, dk.at(sample_, 0, kv_head_ * width), dk.row, true, places_);
        });
    }

private:
    [[nodiscard]] Scalar* take(std::size_t bytes) noexcept { return scratch_.take<Scalar>(static_cast<Index>(bytes / sizeof(Scalar))); }

    void pack_keys(const HeadRows<const Scalar>& k) noexcept {
        turned_.pack_columns(r_.width, keys_, k.at(sample_, 0, kv_head_ * r_.width), k.row, r_.scale,
                             take(RowMatrix<Scalar>::bytes(r_.width, r_.keys)));
    }

    /// `body(head, first, count, seen)` with the weights of `count` queries from `first` on at the `seen` first keys.
    template <class Body>
    void for_each_block(const HeadRows<const Scalar>& q, const Body& body) noexcept {
        const Index shared = r_.heads / r_.kv_heads, queries = r_.queries_of(sample_);
        for (Index head = kv_head_ * shared; head < (kv_head_ + 1) * shared; ++head)
            for (Index first = 0; first < queries; first += rows_) {
                const Index count = std::min(rows_, queries - first);
                const Index seen = r_.causal ? std::min(keys_, first + count) : keys_;
                if (seen == 0)
                    continue;
                turned_.multiply(count, seen, r_.width, {q.at(sample_, first, head * r_.width), q.row, 1}, weights_, r_.keys, false,
                                 places_);
                for (Index i = 0; i < count; ++i)
                    weigh(first + i, seen, weights_ + i * r_.keys);
                body(head, first, count, seen);
            }
    }

    /// Scores of query i become weights, 0 of keys that it does not see.
    void weigh(Index i, Index seen, Scalar* row) const noexcept {
        const Index of_query = r_.causal ? std::min(seen, i + 1) : seen;
        const bool* const mask = r_.mask ? r_.mask + sample_ * r_.mask_step + i * r_.keys : nullptr;
        bool any = !mask;
        for (Index j = 0; mask && j < of_query; ++j) {
            any = any || mask[j];
            row[j] = mask[j] ? row[j] : -std::numeric_limits<Scalar>::infinity();
        }
        if (any)
            softmax_row(of_query, row, row);
        for (Index j = 0; mask && any && j < of_query; ++j)
            row[j] = mask[j] ? row[j] : Scalar(0);
        std::fill(row + (any ? of_query : 0), row + seen, Scalar(0));
    }

    /// The weights with some dropped, and by what they were multiplied, in `kept_`.
    [[nodiscard]] const Scalar* dropped(Index head, Index first, Index count, Index seen) noexcept {
        Scalar* const to = slopes_ ? dropped_ : kept_;  // what comes back needs the factors as well
        for (Index i = 0; i < count; ++i) {
            Random random = r_.random;
            random.skip(static_cast<std::uint64_t>(((sample_ * r_.heads + head) * r_.queries + first + i) * r_.keys));
            kernels::dropout(seen, random, r_.dropout, static_cast<Scalar>(1 / (1 - r_.dropout)), weights_ + i * r_.keys,
                             kept_ + i * r_.keys, to + i * r_.keys);
        }
        return to;
    }

    /// What comes back to the weights becomes what comes back to the scores, times `scale`.
    void slopes_of_scores(Index count, Index seen) noexcept {
        for (Index i = 0; i < count; ++i) {
            const Scalar* const p = weights_ + i * r_.keys;
            Scalar* const d = slopes_ + i * r_.keys;
            if (r_.dropout > 0)
                vector_loop(0, seen, [=, factor = kept_ + i * r_.keys](Index j) { d[j] *= factor[j]; });
            const auto dot = static_cast<Scalar>(row_product(seen, p, d));
            vector_loop(0, seen, [=, scale = r_.scale](Index j) { d[j] = p[j] * (d[j] - dot) * scale; });
        }
    }

    const AttentionRule<Scalar>& r_;
    Index sample_, kv_head_, keys_, rows_;
    simd::Scratch scratch_;
    RowPlaces places_;
    Scalar* weights_;
    Scalar* kept_;
    Scalar* slopes_ = nullptr;
    Scalar* dropped_ = nullptr;
    RowMatrix<Scalar> turned_;  ///< the keys, times the scale
};

}  // namespace detail

/// y (samples, queries, heads value_width) of queries q, keys k and values v. Rows behind a sample's length are left as they are.
template <class Scalar>
void attention(const AttentionRule<Scalar>& rule, const HeadRows<const Scalar>& q, const HeadRows<const Scalar>& k,
               const HeadRows<const Scalar>& v, const HeadRows<Scalar>& y) {
    parallel_for(rule.samples * rule.kv_heads, 1, detail::AttentionHead<Scalar>::bytes(rule, false),
                 [&](Index begin, Index end, void* memory) {
                     for (Index i = begin; i < end; ++i)
                         detail::AttentionHead<Scalar>{rule, i / rule.kv_heads, i % rule.kv_heads, false, memory}.forward(q, k, v, y);
                 });
}

/// What comes back of dy: dq is written, where there are queries; dk and dv are added to.
template <class Scalar>
void attention_back(const AttentionRule<Scalar>& rule, const HeadRows<const Scalar>& q, const HeadRows<const Scalar>& k,
                    const HeadRows<const Scalar>& v, const HeadRows<const Scalar>& dy, const HeadRows<Scalar>& dq,
                    const HeadRows<Scalar>& dk, const HeadRows<Scalar>& dv) {
    parallel_for(
        rule.samples * rule.kv_heads, 1, detail::AttentionHead<Scalar>::bytes(rule, true), [&](Index begin, Index end, void* memory) {
            for (Index i = begin; i < end; ++i)
                detail::AttentionHead<Scalar>{rule, i / rule.kv_heads, i % rule.kv_heads, true, memory}.backward(q, k, v, dy, dq, dk, dv);
        });
}

}  // namespace espalier::inline ESPALIER_ABI::kernels
