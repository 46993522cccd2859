// SPDX-License-Identifier: MIT
/// @file What the garments of a scene lie on.
#pragma once

#include <espalier/core/random.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <vector>

namespace scenes {

/// Smooth noise: random values on a grid of `cells` x `cells`, bilinear between them.
class SmoothNoise {
public:
    SmoothNoise(espalier::Random& random, espalier::Index cells) : cells_{cells} {
        values_.resize(static_cast<std::size_t>((cells + 1) * (cells + 1)));
        for (float& value : values_)
            value = random.uniform<float>(-1.0F, 1.0F);
    }

    /// At a place in [0, 1) x [0, 1).
    [[nodiscard]] float operator()(float x, float y) const noexcept {
        const float gx = x * static_cast<float>(cells_), gy = y * static_cast<float>(cells_);
        const auto column = static_cast<espalier::Index>(gx), row = static_cast<espalier::Index>(gy);
        const float right = gx - static_cast<float>(column), down = gy - static_cast<float>(row);
        const float above = at(column, row) + right * (at(column + 1, row) - at(column, row));
        const float below = at(column, row + 1) + right * (at(column + 1, row + 1) - at(column, row + 1));
        return above + down * (below - above);
    }

private:
    [[nodiscard]] float at(espalier::Index column, espalier::Index row) const noexcept {
        return values_[static_cast<std::size_t>(row * (cells_ + 1) + column)];
    }

    espalier::Index cells_;
    std::vector<float> values_;
};

/// Fills side x side x 3 values in [0, 1] with a cloth or a table: two colours, between which stripes in a random direction and smooth
/// noise of two sizes go.
inline void draw_ground(espalier::Random& random, espalier::Index side, float* pixels) {
    std::array<float, 3> one{}, other{};
    for (std::size_t c = 0; c < 3; ++c) {
        one[c] = random.uniform<float>(0.05F, 0.75F);
        other[c] = std::clamp(one[c] + random.uniform<float>(-0.3F, 0.3F), 0.0F, 1.0F);
    }
    const float angle = random.uniform<float>(0.0F, std::numbers::pi_v<float>), waves = random.uniform<float>(2.0F, 16.0F);
    const float stripes = random.uniform<float>(0.0F, 0.5F), clouds = random.uniform<float>(0.1F, 0.6F);
    const float across = waves * 2 * std::numbers::pi_v<float> * std::cos(angle),
                down = waves * 2 * std::numbers::pi_v<float> * std::sin(angle);
    const SmoothNoise coarse{random, 4}, fine{random, 24};
    for (espalier::Index y = 0; y < side; ++y)
        for (espalier::Index x = 0; x < side; ++x) {
            const float u = static_cast<float>(x) / static_cast<float>(side), v = static_cast<float>(y) / static_cast<float>(side);
            const float mix = 0.5F + stripes * std::sin(across * u + down * v) + clouds * coarse(u, v) + 0.25F * fine(u, v);
            for (std::size_t c = 0; c < 3; ++c, ++pixels)
                *pixels = std::clamp(one[c] + mix * (other[c] - one[c]), 0.0F, 1.0F);
        }
}

}  // namespace scenes
