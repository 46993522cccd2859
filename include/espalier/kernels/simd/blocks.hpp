// SPDX-License-Identifier: MIT
/// @file How a matrix is cut into tiles: blocks of columns as wide as some vectors, packed into panels, and groups of rows.
#pragma once

#include <espalier/core/memory.hpp>
#include <espalier/kernels/simd/kernels.hpp>

#include <algorithm>
#include <cstddef>

namespace espalier::inline ESPALIER_ABI::kernels::simd {

[[nodiscard]] constexpr Index ceil_div(Index a, Index b) noexcept { return (a + b - 1) / b; }

/// Part i of n things cut into `parts` that differ by one at most.
struct Part {
    Index first;
    Index size;
};
[[nodiscard]] constexpr Part even_part(Index n, Index parts, Index i) noexcept {
    const Index rest = n % parts;
    return {i * (n / parts) + std::min(i, rest), n / parts + (i < rest ? 1 : 0)};
}

/// Columns [column, column + width) of a matrix, in so many vectors.
struct ColumnBlock {
    Index column;
    Index width;
    Index vectors;

    /// Columns with what fills the last vector.
    [[nodiscard]] Index padded() const noexcept { return vectors * table().lanes; }
};

/// All columns of a matrix, in blocks of nearly the same number of vectors.
class Columns {
public:
    Columns(Index n, Index max_vectors) noexcept : n_{n}, vectors_{ceil_div(n, table().lanes)}, blocks_{ceil_div(vectors_, max_vectors)} {}

    [[nodiscard]] Index blocks() const noexcept { return blocks_; }
    /// Columns with what fills the last vector.
    [[nodiscard]] Index padded() const noexcept { return vectors_ * table().lanes; }
    [[nodiscard]] ColumnBlock operator[](Index i) const noexcept {
        const Part part = even_part(vectors_, blocks_, i);
        const Index column = part.first * table().lanes;
        return {column, std::min(n_ - column, part.size * table().lanes), part.size};
    }

private:
    Index n_;
    Index vectors_;
    Index blocks_;
};

/// Memory handed out piece by piece, each aligned.
class Scratch {
public:
    template <class T>
    [[nodiscard]] static constexpr std::size_t bytes(Index count) noexcept {
        return (static_cast<std::size_t>(count) * sizeof(T) + memory_alignment - 1) / memory_alignment * memory_alignment;
    }

    explicit Scratch(void* memory) noexcept : next_{static_cast<std::byte*>(memory)} {}
    template <class T>
    [[nodiscard]] T* take(Index count) noexcept {
        auto* const piece = reinterpret_cast<T*>(next_);
        next_ += bytes<T>(count);
        return piece;
    }

private:
    std::byte* next_;
};

/// out[k][j] = x[j][k] for n rows of x of `depth` elements; sixteen at a time, so that lines of `out` are written as a whole.
inline void transpose(Index n, Index depth, const float* x, Index stride, float* out, Index out_stride) noexcept {
    using four = baseline::vec;
    using baseline::load, baseline::store;
    const Index even_n = n / 4 * 4;
    const Index even_depth = depth / 4 * 4;
    for (Index first = 0; first < even_n; first += 16)
        for (Index k = 0; k < even_depth; k += 4)
            for (Index j = first; j < std::min(first + 16, even_n); j += 4) {
                const float* const from = x + j * stride + k;
                four a = load(from), b = load(from + stride), c = load(from + 2 * stride), d = load(from + 3 * stride);
                baseline::transpose_four(a, b, c, d);
                float* const to = out + k * out_stride + j;
                store(to, a);
                store(to + out_stride, b);
                store(to + 2 * out_stride, c);
                store(to + 3 * out_stride, d);
            }
    for (Index j = 0; j < n; ++j)
        for (Index k = j < even_n ? even_depth : 0; k < depth; ++k)
            out[k * out_stride + j] = x[j * stride + k];
}

/// The transpose of n rows of x, and zeros up to `padded`.
inline void pack_transposed(Index depth, Index n, const float* x, Index stride, float* out, Index padded) noexcept {
    transpose(n, depth, x, stride, out, padded);
    for (Index k = 0; k < depth && n < padded; ++k)
        std::fill(out + k * padded + n, out + (k + 1) * padded, 0.0F);
}

/// Multiplies all rows by one block of columns, tile by tile.
inline void run_tiles(TileInput in, TileOutput out, Index vectors) noexcept {
    const Table& kernels = table();
    for (Index rest = in.count; rest > 0; rest -= in.count) {
        in.count = std::min(rest, kernels.tile_rows);
        kernels.tile_for(in.count, vectors)(in, out);
        in.rows += in.count;
        out.rows += in.count;
    }
}

/// Multiplies all rows by all columns, block by block of one panel that holds them side by side.
inline void run_tiles(const TileInput& in, float* const* outputs, const Columns& columns, Start start) noexcept {
    for (Index b = 0; b < columns.blocks(); ++b) {
        const ColumnBlock block = columns[b];
        TileInput of_block = in;
        of_block.panel += block.column;
        run_tiles(of_block, {.rows = outputs, .column = block.column, .width = block.padded(), .start = start}, block.vectors);
    }
}

}  // namespace espalier::inline ESPALIER_ABI::kernels::simd
