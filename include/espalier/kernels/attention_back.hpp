// SPDX-License-Identifier: MIT
/// @file What comes back through attention: block by block of queries and keys, whose weights are made once more.
///
/// All that belongs to a block of keys stays in the second-level cache while the queries pass by (Dao, "FlashAttention-2", ICLR 2024). Each
/// element of a gradient is one chain of sums in the order of queries or keys, whatever the blocks.
#pragma once

#include <espalier/kernels/attention.hpp>
#include <espalier/kernels/reduction.hpp>

#include <algorithm>
#include <cstddef>

namespace espalier::inline ESPALIER_ABI::kernels {

/// What went through attention, and what comes back to its results.
template <class Scalar>
struct AttentionPass {
    HeadRows<const Scalar> q, k, v, y;
    const SumExp<Scalar>* totals;
    HeadRows<const Scalar> dy;
};

namespace detail {

/// One head of keys and values of one sample, and the heads of queries that look at it.
template <class Scalar>
class AttentionHeadBack {
    using Matrix = RowMatrix<Scalar>;
    static constexpr Index most_queries = 128, most_keys = 256;  ///< of a block: with their gradients some 700 kB for heads of 64
    static_assert(most_keys % simd::elements_of_group == 0, "a block has draws of its own");

public:
    [[nodiscard]] static std::size_t bytes(const AttentionRule<Scalar>& r) noexcept {
        const Index rows = rows_of(r), columns = columns_of(r), widest = std::max(r.width, r.value_width);
        return RowPlaces::bytes(std::max(rows, columns), std::max({rows, columns, widest})) +
               3 * simd::Scratch::bytes<Scalar>(rows * attention_pitch(columns)) + simd::Scratch::bytes<Scalar>(rows * r.width) +
               simd::Scratch::bytes<Scalar>(r.heads / r.kv_heads * r.queries) + Matrix::bytes(r.width, columns) +
               Matrix::bytes(r.value_width, columns) + Matrix::bytes(columns, r.width) + Matrix::bytes(rows, r.width) +
               Matrix::bytes(rows, r.value_width);
    }

    AttentionHeadBack(const AttentionRule<Scalar>& rule, const AttentionPass<Scalar>& pass, Index sample, Index kv_head,
                      void* memory) noexcept
        : r_{rule},
          p_{pass},
          sample_{sample},
          kv_head_{kv_head},
          keys_{rule.keys_of(sample)},
          queries_{rule.queries_of(sample)},
          rows_{rows_of(rule)},
          columns_{columns_of(rule)},
          made_{rule, sample, attention_pitch(columns_)},
          scratch_{memory},
          places_{scratch_, std::max(rows_, columns_), std::max({rows_, columns_, rule.width, rule.value_width})},
          weights_{scratch_.take<Scalar>(rows_ * made_.pitch)},
          slopes_{scratch_.take<Scalar>(rows_ * made_.pitch)},
          dropped_{scratch_.take<Scalar>(rows_ * made_.pitch)},
          scaled_{scratch_.take<Scalar>(rows_ * rule.width)},
          means_{scratch_.take<Scalar>(rule.heads / rule.kv_heads * rule.queries)},
          of_keys_{take(Matrix::bytes(rule.width, columns_))},
          of_values_{take(Matrix::bytes(rule.value_width, columns_))},
          of_key_rows_{take(Matrix::bytes(columns_, rule.width))},
          of_queries_{take(Matrix::bytes(rows_, rule.width))},
          of_cotangents_{take(Matrix::bytes(rows_, rule.value_width))} {}

    /// Writes all of dq, dk and dv that belongs to its heads.
    void run(const HeadRows<Scalar>& dq, const HeadRows<Scalar>& dk, const HeadRows<Scalar>& dv) noexcept {
        const Index shared = r_.heads / r_.kv_heads, first_head = kv_head_ * shared;
        dq.clear(sample_, keys_ > 0 ? queries_ : 0, r_.queries, first_head * r_.width, shared * r_.width);
        clear(dk, dv, keys_, r_.keys);
        for (Index head = first_head; head < first_head + shared; ++head)
            for (Index i = 0; i < queries_; ++i)  // the mean of what comes back to the weights of query i is that of y's product with dy
                mean_of(head, i) = static_cast<Scalar>(row_product(r_.value_width, p_.y.at(sample_, i, head * r_.value_width),
                                                                   p_.dy.at(sample_, i, head * r_.value_width)));
        for (Index from = 0; from < keys_; from += columns_) {
            const Index columns = std::min(columns_, keys_ - from);
            pack(from, columns);
            clear(dk, dv, from, from + columns);
            for (Index head = first_head; head < first_head + shared; ++head)
                for (Index first = r_.causal ? from / rows_ * rows_ : 0; first < queries_; first += rows_) {
                    const Index count = std::min(rows_, queries_ - first);
                    const Index seen = r_.causal ? std::min(columns, first + count - from) : columns;
                    if (seen > 0)
                        run_block({head, first, count, from, seen}, dq, dk, dv);
                }
        }
    }

private:
    struct Block {
        Index head;
        Index first, count;  ///< of queries
        Index from, seen;  ///< of keys
    };

    [[nodiscard]] static Index rows_of(const AttentionRule<Scalar>& r) noexcept { return std::clamp<Index>(r.queries, 1, most_queries); }
    [[nodiscard]] static Index columns_of(const AttentionRule<Scalar>& r) noexcept { return std::clamp<Index>(r.keys, 1, most_keys); }
    [[nodiscard]] Scalar* take(std::size_t bytes) noexcept { return scratch_.take<Scalar>(static_cast<Index>(bytes / sizeof(Scalar))); }
    [[nodiscard]] Scalar& mean_of(Index head, Index i) const noexcept {
        return means_[(head - kv_head_ * (r_.heads / r_.kv_heads)) * r_.queries + i];
    }

    void clear(const HeadRows<Scalar>& dk, const HeadRows<Scalar>& dv, Index begin, Index end) const noexcept {
        dk.clear(sample_, begin, end, kv_head_ * r_.width, r_.width);
        dv.clear(sample_, begin, end, kv_head_ * r_.value_width, r_.value_width);
    }

    void pack(Index from, Index columns) noexcept {
        const Scalar* const k = p_.k.at(sample_, from, kv_head_ * r_.width);
        keys_turned_.pack_columns(r_.width, columns, k, p_.k.row, of_keys_);
        key_rows_.pack_rows(columns, r_.width, k, p_.k.row, of_key_rows_);
        values_turned_.pack_columns(r_.value_width, columns, p_.v.at(sample_, from, kv_head_ * r_.value_width), p_.v.row, of_values_);
    }

    void run_block(const Block& b, const HeadRows<Scalar>& dq, const HeadRows<Scalar>& dk, const HeadRows<Scalar>& dv) noexcept {
        const Index width = r_.width, value_width = r_.value_width, pitch = made_.pitch;
        const Scalar* const q = p_.q.at(sample_, b.first, b.head * width);
        const Scalar* const dy = p_.dy.at(sample_, b.first, b.head * value_width);
        scale_queries(b.count, width, q, p_.q.row, r_.scale, scaled_);
        keys_turned_.multiply(b.count, b.seen, width, {scaled_, width, 1}, weights_, pitch, false, places_);
        for (Index i = 0; i < b.count; ++i)
            weigh(b, b.first + i, weights_ + i * pitch);
        if (r_.dropout > 0)
            made_.drop(b.head, b.first, b.count, b.from, b.seen, weights_, dropped_);
        values_turned_.multiply(b.count, b.seen, value_width, {dy, p_.dy.row, 1}, slopes_, pitch, false, places_);
        Matrix cotangents, queries;
        cotangents.pack_rows(b.count, value_width, dy, p_.dy.row, of_cotangents_);
        cotangents.multiply(b.seen, value_width, b.count, {r_.dropout > 0 ? dropped_ : weights_, 1, pitch},
                            dv.at(sample_, b.from, kv_head_ * value_width), dv.row, true, places_);
        if (r_.dropout > 0)
            made_.drop(b.head, b.first, b.count, b.from, b.seen, slopes_, slopes_);
        for (Index i = 0; i < b.count; ++i)
            slopes_of_scores(b, i);
        key_rows_.multiply(b.count, width, b.seen, {slopes_, pitch, 1}, dq.at(sample_, b.first, b.head * width), dq.row, b.from > 0,
                           places_);
        queries.pack_rows(b.count, width, q, p_.q.row, of_queries_);
        queries.multiply(b.seen, width, b.count, {slopes_, 1, pitch}, dk.at(sample_, b.from, kv_head_ * width), dk.row, true, places_);
    }

    /// Scores of query i become weights, 0 of keys that it does not see.
    void weigh(const Block& b, Index i, Scalar* row) const noexcept {
        const SumExp<Scalar>& total = p_.totals[(sample_ * r_.heads + b.head) * r_.queries + i];
        const Index of_query = total.sum == 0 ? 0 : made_.seen_by(i, b.from, b.seen);
        if (of_query > 0)
            softmax_again(of_query, row, total, row);
        if (const bool* const mask = made_.mask_of(i); mask != nullptr)
            for (Index j = 0; j < of_query; ++j)
                row[j] = mask[b.from + j] ? row[j] : Scalar(0);
        std::fill(row + of_query, row + b.seen, Scalar(0));
    }

    /// What comes back to the weights of a row becomes what comes back to its scores, times `scale`.
    void slopes_of_scores(const Block& b, Index i) const noexcept {
        Scalar* const d = slopes_ + i * made_.pitch;
        vector_loop(0, b.seen, [=, w = weights_ + i * made_.pitch, mean = mean_of(b.head, b.first + i), scale = r_.scale](Index j) {
            d[j] = w[j] * (d[j] - mean) * scale;
        });
    }

    const AttentionRule<Scalar>& r_;
    const AttentionPass<Scalar>& p_;
    Index sample_, kv_head_, keys_, queries_, rows_, columns_;
    AttentionWeights<Scalar> made_;
    simd::Scratch scratch_;
    RowPlaces places_;
    Scalar *weights_, *slopes_, *dropped_, *scaled_, *means_;
    Scalar *of_keys_, *of_values_, *of_key_rows_, *of_queries_, *of_cotangents_;
    Matrix keys_turned_, values_turned_, key_rows_;  ///< of the block of keys
};

}  // namespace detail

/// What comes back through `attention`: all of dq, dk and dv is written.
template <class Scalar>
void attention_back(const AttentionRule<Scalar>& rule, const AttentionPass<Scalar>& pass, const HeadRows<Scalar>& dq,
                    const HeadRows<Scalar>& dk, const HeadRows<Scalar>& dv) {
    parallel_for(rule.samples * rule.kv_heads, 1, detail::AttentionHeadBack<Scalar>::bytes(rule),
                 [&](Index begin, Index end, void* memory) {
                     for (Index i = begin; i < end; ++i)
                         detail::AttentionHeadBack<Scalar>{rule, pass, i / rule.kv_heads, i % rule.kv_heads, memory}.run(dq, dk, dv);
                 });
}

}  // namespace espalier::inline ESPALIER_ABI::kernels
