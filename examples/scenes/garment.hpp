// SPDX-License-Identifier: MIT
/// @file One photograph of a garment, cut out of its black ground.
#pragma once

#include <espalier/core/config.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace scenes {

/// A garment of Fashion-MNIST. What is dark and touches the edge of the photograph by a way that is dark is the ground behind it; a dark
/// print on a shirt is shirt.
class Garment {
public:
    static constexpr espalier::Index side = 28;

    /// @param grey side x side values of 0 to 255, which it does not keep
    explicit Garment(const float* grey) noexcept {
        std::array<bool, side * side> ground{};
        std::vector<espalier::Index> open;
        const auto reach = [&](espalier::Index x, espalier::Index y) {
            const bool inside = x >= 0 && x < side && y >= 0 && y < side;
            if (!inside || ground[at(x, y)] || grey[y * side + x] > darkest)
                return;
            ground[at(x, y)] = true;
            open.push_back(y * side + x);
        };
        for (espalier::Index i = 0; i < side; ++i) {
            reach(i, 0);
            reach(i, side - 1);
            reach(0, i);
            reach(side - 1, i);
        }
        while (!open.empty()) {
            const espalier::Index x = open.back() % side, y = open.back() / side;
            open.pop_back();
            reach(x - 1, y);
            reach(x + 1, y);
            reach(x, y - 1);
            reach(x, y + 1);
        }
        for (espalier::Index y = 0; y < side; ++y)
            for (espalier::Index x = 0; x < side; ++x) {
                brightness_[framed(x, y)] = grey[y * side + x] / 255;
                cover_[framed(x, y)] = ground[at(x, y)] ? 0.0F : 1.0F;
            }
    }

    /// How much of the point (x, y), in pixels of the photograph, is garment: 0 to 1, between pixels bilinear.
    [[nodiscard]] float cover(double x, double y) const noexcept { return sample(cover_, x, y); }
    /// How bright it is there, 0 to 1.
    [[nodiscard]] float brightness(double x, double y) const noexcept { return sample(brightness_, x, y); }

private:
    static constexpr float darkest = 14;
    using Values = std::array<float, (side + 2) * (side + 2)>;  ///< within a frame of zeros

    [[nodiscard]] static std::size_t at(espalier::Index x, espalier::Index y) noexcept { return static_cast<std::size_t>(y * side + x); }
    [[nodiscard]] static std::size_t framed(espalier::Index x, espalier::Index y) noexcept {
        return static_cast<std::size_t>((y + 1) * (side + 2) + x + 1);
    }

    /// 0 around the photograph.
    [[nodiscard]] static float sample(const Values& values, double x, double y) noexcept {
        const double left = x - 0.5, top = y - 0.5;
        if (!(left > -1 && top > -1 && left < side && top < side))
            return 0;
        const auto column = static_cast<espalier::Index>(left + 1) - 1, row = static_cast<espalier::Index>(top + 1) - 1;
        const auto right = static_cast<float>(left - static_cast<double>(column)),
                   down = static_cast<float>(top - static_cast<double>(row));
        const float* const upper = &values[framed(column, row)];
        const float* const lower = upper + side + 2;
        const float above = upper[0] + right * (upper[1] - upper[0]), below = lower[0] + right * (lower[1] - lower[0]);
        return above + down * (below - above);
    }

    Values brightness_{};
    Values cover_{};
};

}  // namespace scenes
