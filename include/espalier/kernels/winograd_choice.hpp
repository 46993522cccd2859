// SPDX-License-Identifier: MIT
/// @file Whether a convolution takes Winograd's way, and how its work is cut, by its extents alone.
///
/// As in conv_choice.hpp, costs are counted and not taken by a clock. To measure them again, with each instruction set and number of
/// threads,
///
///     build/release/benchmarks/bench_conv_algorithm --all                both ways beside the choice between them
#pragma once

#include <espalier/core/conv_algorithm.hpp>
#include <espalier/kernels/conv_choice.hpp>
#include <espalier/kernels/simd/blocks.hpp>

#include <algorithm>

namespace espalier::inline ESPALIER_ABI::kernels::winograd {

// ---- Which way

/// Whether the geometry allows it: single steps of a window of 3x3.
[[nodiscard]] inline bool serves(const ConvShape& s) noexcept {
    return s.window.kernel == Pair{3} && s.window.stride == Pair{1} && s.window.dilation == Pair{1} && !s.depthwise();
}

/// Results along an axis of a tile for images of this extent: 4, or 3 where tiles of those cover it with fewer products.
[[nodiscard]] inline Index tile_side(Pair extent) noexcept {
    const auto products = [&](Index side) {
        return simd::ceil_div(extent.height, side) * simd::ceil_div(extent.width, side) * (side + 2) * (side + 2);
    };
    return products(3) <= products(4) ? 3 : 4;
}

/// Whether there are so few tiles, and so many filters (floats of them when they are transformed), that each filter is transformed when it
/// is used: 64 tiles, 1.5 MB.
[[nodiscard]] inline bool few_tiles(Index tiles, Index floats_of_filters) noexcept { return tiles <= 64 && floats_of_filters > 393216; }

/// What the direct way and this one cost, in multiply-adds of sixteen floats, with and without a transform. Tiles are multiplied eight at a
/// time in chains that begin and end, 23/20 of a product; a tile's pixels cost 6 for each of its numbers, its results 9, filters 2.
/// Measured by bench_conv_algorithm, as the others.
[[nodiscard]] inline tiled::Costs result_costs(Index tiles, Index numbers, Index depth, Index width, Index direct) noexcept {
    using detail::sixteens;
    const Index products = simd::ceil_div(tiles, 8) * 8 * depth * sixteens(width);
    const Index transforms = tiles * (6 * sixteens(depth) + 9 * sixteens(width)) + 2 * depth * sixteens(width);
    return {direct, numbers * (products * 23 / 20 + transforms)};
}

/// The same of the gradients of the weights, whose sums are transformed once.
[[nodiscard]] inline tiled::Costs weight_costs(Index tiles, Index numbers, Index depth, Index width, Index direct) noexcept {
    using detail::sixteens;
    const Index products = tiles * simd::ceil_div(depth, 8) * 8 * sixteens(width);
    return {direct, numbers * (products * 5 / 4 + tiles * (sixteens(depth) + sixteens(width)) + 5 * depth * sixteens(width))};
}

/// The kernels for a pass that takes this way, else null: where it wins by a quarter. `extent` is that of what is cut into tiles, of each
/// image.
template <class CostsOf>
[[nodiscard]] const simd::WinogradTable* kernels_if(const ConvShape& s, Pair extent, const CostsOf& costs_of) {
    const ConvAlgorithm algorithm = conv_algorithm();
    if (algorithm == ConvAlgorithm::direct || !serves(s) || s.batch == 0)
        return nullptr;
    const Index side = tile_side(extent);
    if (algorithm == ConvAlgorithm::automatic) {
        const Index tiles = s.batch * simd::ceil_div(extent.height, side) * simd::ceil_div(extent.width, side);
        const tiled::Costs costs = costs_of(tiles, (side + 2) * (side + 2));
        if (4 * costs.usual < 5 * costs.other)
            return nullptr;
    }
    return simd::winograd_table(side);
}

/// Those of the results.
[[nodiscard]] inline const simd::WinogradTable* forward_kernels(const ConvShape& s) {
    return kernels_if(s, s.output, [&](Index tiles, Index numbers) {
        const Index direct = s.batch * s.output.height * s.output.width * s.patch() * detail::sixteens(s.filters());
        return result_costs(tiles, numbers, s.depth(), s.filters(), direct);
    });
}

/// Those of the gradient of the input, which reads filters in short pieces: where they fill a cache, they must serve many tiles.
[[nodiscard]] inline const simd::WinogradTable* input_kernels(const ConvShape& s) {
    return kernels_if(s, s.input, [&](Index tiles, Index numbers) {
        const tiled::Costs ways = tiled::input_costs(s);
        const Index direct = s.batch * (tiled::scatters_input(s, s.batch) ? ways.other : ways.usual);
        const Index pieces = few_tiles(tiles, numbers * s.depth() * s.filters()) ? std::max<Index>(tiles, 16) : tiles;
        return result_costs(pieces, numbers, s.filters(), s.depth(), direct);
    });
}

/// Those of the gradients of the weights.
[[nodiscard]] inline const simd::WinogradTable* weight_kernels(const ConvShape& s) {
    return kernels_if(s, s.output, [&](Index tiles, Index numbers) {
        const tiled::Costs ways = tiled::weight_costs(s);
        const Index direct = s.batch * s.output.height * s.output.width * (tiled::unfolds_windows(s) ? ways.other : ways.usual);
        return weight_costs(tiles, numbers, s.depth(), s.filters(), direct);
    });
}

// ---- How much work is worth a thread. Changes no bit

/// How many pieces a thread transforms at once, if each has so many numbers: 65,536, some microseconds.
[[nodiscard]] inline Index transforms_at_once(Index numbers_of_piece) noexcept {
    constexpr Index worth_a_thread = 65536;
    return std::max<Index>(1, worth_a_thread / std::max<Index>(numbers_of_piece, 1));
}

/// The same of pieces that add up so many numbers each: 16,384.
[[nodiscard]] inline Index additions_at_once(Index numbers_of_piece) noexcept {
    return std::max<Index>(1, 16384 / std::max<Index>(numbers_of_piece, 1));
}

/// Products that are worth a thread.
inline constexpr Index worthwhile_products = 262144;

/// How many of some pieces with so many products a thread takes at once: all of them, unless they have half a million together.
[[nodiscard]] inline Index products_at_once(Index pieces, Index products_of_piece) noexcept {
    if (pieces * products_of_piece < 2 * worthwhile_products)
        return std::max<Index>(pieces, 1);
    return std::max<Index>(1, worthwhile_products / std::max<Index>(products_of_piece, 1));
}

// ---- Results and gradients of the input

/// Channels that are summed in one chain.
inline constexpr Index channels_of_chain = 32;

/// Tiles of a block, a multiple of `together`: 32, or 16 of more than 64 channels, which with their transforms stay in the second-level
/// cache, and where fewer than 16 blocks of 32 could not be shared out evenly.
[[nodiscard]] inline Index tiles_of_block(Index tiles, Index together, Index channels) noexcept {
    const Index usual = channels > 64 || tiles < 512 ? 16 : 32;
    return std::max<Index>(1, std::min(usual, tiles) / together) * together;
}

/// Parts of the blocks of columns that are worked on for themselves: where there are fewer than 4 blocks of tiles, which have so many
/// products in all; a part has 65,536 at least.
[[nodiscard]] inline Index column_parts(Index blocks_of_tiles, Index blocks, Index products) noexcept {
    const Index parts = std::min(simd::ceil_div(4, std::max<Index>(blocks_of_tiles, 1)), 4 * products / worthwhile_products);
    return std::clamp<Index>(parts, 1, std::max<Index>(blocks, 1));
}

// ---- Gradients of the weights: to change any of these changes their bits

/// Tiles that are summed in one chain.
inline constexpr Index tiles_of_sum = 48;

/// Chunks of the blocks of tiles, a power of two of two blocks each at least, where their sums are small: up to 320 KiB.
[[nodiscard]] inline Index weight_chunks(Index blocks, Index floats_of_sums) noexcept {
    constexpr Index most_floats = 81920;
    Index chunks = 1;
    while (floats_of_sums <= most_floats && chunks < 16 && blocks >= 4 * chunks)
        chunks *= 2;
    return chunks;
}

/// Floats of transformed tiles that threads share: 6 MiB.
inline constexpr Index most_transformed = 1572864;

/// Tiles that are transformed before they are multiplied, if each becomes so many floats: what a thread's own cache holds, 512 KiB, or
/// 1 MiB where threads share them (with 4 MiB a step of 64 channels takes half as long again), but whole sums. Changes no bit.
[[nodiscard]] inline Index tiles_of_group(Index tiles, Index floats, Index chunks) noexcept {
    const Index most_floats = chunks > 1 ? 131072 : 262144;
    return std::min(tiles, std::max<Index>(1, most_floats / floats / tiles_of_sum) * tiles_of_sum);
}

/// Whether the gradients of some weights are summed over all tiles and written at once. Changes no bit.
[[nodiscard]] inline bool sums_at_once(Index tiles, Index floats_of_sums, Index floats_of_tile) noexcept {
    return few_tiles(tiles, floats_of_sums) && tiles * floats_of_tile <= most_transformed;
}

}  // namespace espalier::inline ESPALIER_ABI::kernels::winograd
