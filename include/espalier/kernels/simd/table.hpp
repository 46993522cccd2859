// SPDX-License-Identifier: MIT
/// @file What the vector kernels take and give: plain structures, and a table with one function for each of them.
///
/// One tile kernel serves convolution and matrix products in all passes: it multiplies a few rows, read in place an element
/// broadcast at a time, by a panel of a few vectors. What a row is, pixels, channels or taps, is a matter of pointers.
#pragma once

#include <espalier/core/config.hpp>
#include <espalier/kernels/update_rule.hpp>

#include <cstdint>

namespace espalier::inline ESPALIER_ABI::kernels::simd {

/// sum over k < depth of `rows[i][offsets[k]] * panel[k panel_step + j]`, as one chain of fused multiply-adds in this order.
struct TileInput {
    const float* const* rows;
    Index count;  ///< rows there are; a tile of more computes the last, or the last window, again
    const std::int32_t* offsets;
    Index depth;
    const float* panel;  ///< read in whole vectors: up to `lanes - 1` elements past `width` must exist
    Index panel_step;
};

/// c (rows, width) = a (rows, depth) times a panel (depth, width), plus c if `accumulate`; each sum is one chain in the order of k.
struct DoubleTile {
    const double* a;
    Index a_row, a_column;
    Index depth;
    const double* panel;  ///< read in whole vectors: up to `lanes - 1` elements past `width` must exist
    Index panel_step;
    double* c;
    Index c_stride;
    Index width;
    bool accumulate;
};

enum class Start { zero, bias, accumulate };

/// Row i goes to `rows[i] + column`, its first `width` elements.
struct TileOutput {
    float* const* rows;
    Index column;
    Index width;
    Start start = Start::zero;    ///< what the chain of every element begins with: 0, `bias[j]`, or what is there
    const float* bias = nullptr;  ///< of the first column, for Start::bias
    bool relu = false;            ///< negative results become 0
};

/// Every four rows are the pixels of a 2x2 window, whose largest element goes to row i / 4 of `rows`; `winners` tells which
/// of the four it was (the first of equals; NaN wins), or 4 where `relu` made it 0.
struct PoolOutput {
    float* const* rows;
    std::uint8_t* const* winners;
    Index column;
    Index width;
    const float* bias;  ///< of the first column, or null
    bool relu;
};

/// `out[i][j] += sum over k < depth of a[i][k] b[j][k]`, with the sum in sixteen parts whatever the vectors, which are added
/// in a tree.
struct DotInput {
    const float* const* a;
    const float* const* b;
    Index depth;
    float* const* out;
    Index columns;  ///< that are stored; all of b is read
    bool relu;      ///< negative results become 0
};

/// What `affine_rows` does with each of n columns.
struct Affine {
    Index n;
    const float* shift;
    const float* scale;
    const float* offset;
    const float* z_scale;  ///< or null
    bool relu = false;     ///< negative results become 0
};

/// A run of positions that one position of another axis is a weighted sum of.
struct WeightedRun {
    Index first;
    Index count;
    Index weights;  ///< where they begin
};

/// A tap that the windows of a run of pixels have: where it lies from the run's first tap, and its place in the whole window.
struct WindowTap {
    Index offset;
    Index position;
};

/// Windows with the same taps, `step` floats apart, over pixels of `channels` floats.
struct WindowRun {
    const WindowTap* taps;
    Index count;
    Index pixels;
    Index step;
    Index channels;
};

/// What sums over windows are weighted by and what they begin with, the weights of a tap's position `pitch` floats apart.
struct WindowWeights {
    const float* weight;
    Index pitch;
    const float* bias;  ///< or null
    bool relu;  ///< negative results become 0
};

inline constexpr int max_tile_heights = 4;
inline constexpr int max_tile_rows = 1 << (max_tile_heights - 1);
inline constexpr int max_tile_vectors = 3;
inline constexpr int max_dot = 4;

/// The kernels of double precision. A table of its own, so that a program in float does not compile them.
struct DoubleTable {
    Index lanes, rows, vectors;  ///< doubles of a vector, and the largest tile
    void (*tile[4][max_tile_vectors])(const DoubleTile& tile);  ///< [0] of `rows`, [1] of half of them, ... [vectors - 1]
    /// out[j] = sum over k < depth of a[k] b[j stride + k], for j < count.
    void (*dots)(Index count, Index depth, const double* a, const double* b, Index stride, double* out);
};

/// For each number of the squares of Winograd's convolution a product: row i of `count` is summed over k < depth, its element k at
/// `rows + number rows_step + i row + k column`, times row k of the panel, at `panel + number panel_step + k panel_row`, of whole vectors.
/// Sums are cut into chains of `chain`, each of which begins with 0 and is then added to those before or, if `add`, to what is there.
struct WinogradProducts {
    Index numbers, count, depth, chain;
    const float* rows;
    Index rows_step, row, column;
    const float* panel;
    Index panel_step, panel_row;
    float* out;
    Index out_step, out_row;
    bool add;
};

/// Where the results of a tile of Winograd's convolution go: pixel (r, c) to `y + r row + c column`.
struct WinogradResults {
    float* y;
    Index row, column;
    int rows, columns;  ///< that there are of the tile
    const float* bias;  ///< or null
    bool relu;          ///< negative results become 0
};

/// A square of pixels: (r, c) at `data + offset + r row + c column` in the rows and columns that the image has of it, 0 elsewhere.
struct WinogradSquare {
    const float* data;
    Index offset;
    Index row, column;
    int top, bottom, left, right;  ///< rows [top, bottom), columns [left, right)
};

/// The transforms of Winograd's convolution for tiles of `outputs` x `outputs` results and filters of `taps` x `taps`: squares of pixels,
/// results or taps become `points` x `points` numbers `step` floats apart, or those become results or taps. All are for n channels, and
/// write whole vectors: up to `lanes - 1` floats past the last channel must exist. A table of its own, so that a program without
/// convolutions does not compile them.
struct WinogradTable {
    Index outputs, taps, points;
    void (*products[max_tile_vectors])(const WinogradProducts& products);  ///< [vectors - 1]
    void (*pixels)(Index n, const WinogradSquare& from, float* to, Index step);
    /// Tap (r, c) at `from + r row + c column`.
    void (*weights)(Index n, const float* from, Index row, Index column, float* to, Index step);
    void (*results)(Index n, const float* from, Index step, const WinogradResults& to);
    /// The largest of 2x2 windows that begin at x, 0 where it is negative, and which of the four it is, 4 where it is not positive.
    void (*pool)(Index windows, Index n, const float* x, Index row, Index column, float* y, std::uint8_t* winners, Index pitch);
    /// Of `outputs` x `outputs` pixels; their sum goes to `sums`, unless that is null.
    void (*cotangents)(Index n, const WinogradSquare& from, float* to, Index step, float* sums);
    void (*weight_gradients)(Index n, const float* from, Index step, float* to, Index row, Index column);
};

/// A row of n elements of which z = (x - mean) inverse are made, and w z.
template <class Scalar>
struct NormalisedRow {
    Index n;
    const Scalar* x;
    Scalar mean, inverse;
    const Scalar* weight;

    [[nodiscard]] Scalar normalised(Index i) const noexcept { return (x[i] - mean) * inverse; }
};

/// What is said in kernels/row_norm.hpp; `slopes` gives two sums.
struct RowNormKernels {
    void (*value)(const NormalisedRow<float>& row, const float* bias, float* y);
    void (*slopes)(const NormalisedRow<float>& row, const float* dy, double* sums);
    void (*pull)(const NormalisedRow<float>& row, const float* dy, float of_one, float of_z, float* dx);
    /// sums[c] += the sum over at most 256 rows, `stride` apart, of z[r][c] dy[r][c].
    void (*add_products)(Index rows, Index n, Index stride, const float* x, const float* means, const float* inverses, const float* dy,
                         double* sums);
};
struct RowNorm {
    using Kernels = RowNormKernels;
};

/// The kernels for one instruction set.
struct Table {
    using Tile = void (*)(const TileInput&, const TileOutput&);
    using PoolTile = void (*)(const TileInput&, const PoolOutput&);
    using Dot = void (*)(const DotInput&);

    Index lanes;                                   ///< floats of a vector
    Index tile_rows, tile_vectors;                 ///< the largest tile
    Tile tile[max_tile_heights][max_tile_vectors]; ///< [height][vectors - 1], of `tile_rows >> height` rows
    /// The smallest tile with so many rows.
    [[nodiscard]] Tile tile_for(Index rows, Index vectors) const noexcept {
        int height = 0;
        while (tile_rows >> (height + 1) >= rows)
            ++height;
        return tile[height][vectors - 1];
    }
    Index pool_rows, pool_vectors;                 ///< of `pool_tile`
    PoolTile pool_tile[max_tile_vectors];          ///< [vectors - 1], always `pool_rows` rows
    Index dot_rows, dot_columns;                   ///< of the largest `dot`
    Dot dot[2][2];                                 ///< one row, `dot_rows` rows; of one column, of up to `dot_columns`

    /// out[r][0, n) = x[r][0, n), then zeros up to `padded`; rows of x are `stride` apart, those of out `out_stride`.
    void (*copy_rows)(Index rows, Index n, const float* x, Index stride, float* out, Index out_stride, Index padded);
    /// y[j] += a[0] x[j] + a[1] x[stride + j] + ..., in this order, for `count` rows of x.
    void (*add_rows)(Index n, Index count, const float* a, Index a_step, const float* x, Index stride, float* y);
    /// y[i n + j] = the sum over k of weights[run.weights + k] x[(run.first + k) n + j], in this order, for i and its run of `runs`.
    void (*weighted_runs)(Index runs, const WeightedRun* run, const float* weights, Index n, const float* x, float* y);
    /// y[r][j] += x[r][j], rows of x `stride` apart and those of y `y_stride`.
    void (*add_to_rows)(Index rows, Index n, const float* x, Index stride, float* y, Index y_stride);
    /// sums[j] += the sum of x[j] over rows that are `stride` apart, for n <= stride columns.
    void (*add_column_sums)(Index rows, Index n, const float* x, Index stride, double* sums);
    /// The same of (x[j] - shift[j]) y[j], with rows of y where those of x are.
    void (*add_column_products)(Index rows, Index n, const float* x, const float* shift, const float* y, Index stride, double* sums);
    /// The same of (x[j] - shift[j])^2.
    void (*add_column_squares)(Index rows, Index n, const float* x, const float* shift, Index stride, double* sums);
    /// Rows y = (x - shift) scale + offset, plus z and then times `z_scale` where there are such.
    void (*affine_rows)(Index rows, const Affine& f, const float* x, const float* z, float* y);
    /// Of one row: the sum of x, of x y, and of (x - shift)^2, in short blocks of float.
    double (*row_sum)(Index n, const float* x);
    double (*row_product)(Index n, const float* x, const float* y);
    double (*row_squares)(Index n, const float* x, float shift);
    /// p = e^(x - top[r]) / sum[r] for rows r of n > 0, where top[r] is the row's largest element and sum[r] the sum over the row; NaN
    /// in x makes all of the row NaN.
    void (*softmax_rows)(Index rows, Index n, const float* x, float* p, float* top, float* sum);
    /// p = e^(x - top) / sum, to the bits of `softmax_rows`, for any n elements of a row.
    void (*softmax_again)(Index n, const float* x, float top, float sum, float* p);
    /// dx[p pitch + j] = y[p n + j] > 0 ? dy[p n + j] : 0, for pixels p.
    void (*relu_backward)(Index pixels, Index n, const float* y, const float* dy, float* dx, Index pitch);
    /// One row of an image from the row of 2x2 windows above it: dx of pixels 2p and 2p + 1 is dy of window p where the winner
    /// is `first` or `first + 1`, else 0.
    /// Winners are read in whole vectors: up to `lanes - 1` bytes past the last of them must exist.
    void (*unpool_row)(Index windows, Index n, const float* dy, const std::uint8_t* winners, int first, float* dx, Index pitch);

    /// out[p out_step + j] = bias[j] + sum over taps of weight[position][j] x[offset + p step + j], for pixels p of the run.
    void (*window_sums)(const WindowRun& run, const float* x, const WindowWeights& weights, float* out, Index out_step);
    /// sums[position pitch + j] += the sum of x[offset + r x_row + p step + j] dy[r dy_row + p dy_step + j] over rows and pixels.
    void (*window_products)(const WindowRun& run, const float* x, Index rows, Index x_row, const float* dy, Index dy_step, Index dy_row,
                            Index pitch, float* sums);
    /// The largest of each window, and its position: the first of equals; NaN wins. A window has one tap at least.
    void (*window_max)(const WindowRun& run, const float* x, float* out, std::uint16_t* winners);

    /// The update rules of kernels/optimizer.hpp, for arrays of n.
    void (*sgd)(Index n, const SgdRule<float>& rule, const float* gradient, float* parameter);
    void (*sgd_momentum)(Index n, const SgdRule<float>& rule, const float* gradient, float* parameter, float* velocity);
    void (*adagrad)(Index n, const AdagradRule<float>& rule, const float* gradient, float* parameter, float* squares);
    void (*adam)(Index n, const AdamRule<float>& rule, const float* gradient, float* parameter, float* first, float* second);
};

}  // namespace espalier::inline ESPALIER_ABI::kernels::simd
