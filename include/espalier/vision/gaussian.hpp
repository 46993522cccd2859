// SPDX-License-Identifier: MIT
/// @file Heat maps: a bump for each object or key point, as `losses::gaussian_focal_loss` and `vision::CenterNet` compare with.
#pragma once

#include <espalier/core/error.hpp>
#include <espalier/core/finite.hpp>
#include <espalier/core/memory.hpp>
#include <espalier/tensor/tensor.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>

namespace espalier::inline ESPALIER_ABI::vision {

/// By how many cells the corners of a box of this size may be moved such that it still has an IoU of `minimum_overlap` with the box, in the
/// worst of three cases: both corners outwards, both inwards, or both the same way (Law and Deng, CornerNet, 2018, with the roots of its
/// quadratic equations as later corrected there).
[[nodiscard]] inline double gaussian_radius(double height, double width, double minimum_overlap) noexcept {
    const double sum = height + width;
    const double area = height * width;
    const double same_way = (sum - std::sqrt(sum * sum - 4 * area * (1 - minimum_overlap) / (1 + minimum_overlap))) / 2;
    const double inwards = (sum - std::sqrt(sum * sum - 4 * area * (1 - minimum_overlap))) / 4;
    const double o = minimum_overlap;
    const double outwards = (std::sqrt(o * o * sum * sum + 4 * o * (1 - o) * area) - o * sum) / (4 * o);
    return std::min({same_way, inwards, outwards});
}

namespace detail {

/// The larger of what is there and exp(-d² / (2 s²)), s = (2 radius + 1) / 6, for all cells up to `radius` away in x and y from a cell of
/// a map of (height, width) cells that are `stride` elements apart.
template <class Scalar>
void draw_gaussian(Scalar* map, Index height, Index width, Index stride, Index x, Index y, Index radius) {
    const double sigma = (2 * static_cast<double>(radius) + 1) / 6;
    PoolVector<double> fall(static_cast<std::size_t>(std::min(radius, std::max(height, width)) + 1));
    for (std::size_t d = 0; d < fall.size(); ++d)
        fall[d] = std::exp(-static_cast<double>(d * d) / (2 * sigma * sigma));
    const Index last_row = y + std::min(radius, height - 1 - y), last_column = x + std::min(radius, width - 1 - x);  // of any radius
    for (Index v = std::max<Index>(0, y - radius); v <= last_row; ++v)
        for (Index u = std::max<Index>(0, x - radius); u <= last_column; ++u) {
            const double value = fall[static_cast<std::size_t>(std::abs(v - y))] * fall[static_cast<std::size_t>(std::abs(u - x))];
            Scalar& cell = map[(v * width + u) * stride];
            cell = std::max(cell, static_cast<Scalar>(value));
        }
}

}  // namespace detail

/// A point of a heat map, in cells of it: (0.5, 0.5) is the middle of the first.
struct HeatPoint {
    float x = 0;
    float y = 0;
    Index channel = 0;
    Index radius = 2;  ///< cells that the bump reaches in each direction, three deviations
};

/// (height, width, channels): 1 in the cell of each point, falling off around it, and the larger value where bumps meet. One channel
/// for each kind of key point.
/// @throws ValueError for a point outside of the map, a channel out of range, a negative radius or extent
template <class Scalar = float>
[[nodiscard]] Tensor<Scalar> gaussian_heat_map(std::span<const HeatPoint> points, Index height, Index width, Index channels) {
    require<ValueError>(height >= 0 && width >= 0 && channels >= 0, "gaussian_heat_map", "expected extents of at least 0, got ", height,
                        ", ", width, " and ", channels);
    Tensor<Scalar> result{Shape{height, width, channels}};
    for (const HeatPoint& point : points) {
        require<ValueError>(point.x >= 0 && point.y >= 0 && point.x < static_cast<float>(width) && point.y < static_cast<float>(height),
                            "gaussian_heat_map", "expected points in a map of ", width, " by ", height, " cells, got (", point.x, ", ",
                            point.y, ")");
        require<ValueError>(point.channel >= 0 && point.channel < channels && point.radius >= 0, "gaussian_heat_map",
                            "expected a channel in [0, ", channels, ") and a radius of at least 0, got ", point.channel, " and ",
                            point.radius);
        detail::draw_gaussian(result.data() + point.channel, height, width, channels, static_cast<Index>(point.x),
                              static_cast<Index>(point.y), point.radius);
    }
    return result;
}

}  // namespace espalier::inline ESPALIER_ABI::vision
