// SPDX-License-Identifier: MIT
/// @file Scenes with exact truth, composed from photographs of garments: what a camera would see of some of them on a table.
#pragma once

#include "garment.hpp"
#include "ground.hpp"

#include <espalier/core/error.hpp>
#include <espalier/core/random.hpp>
#include <espalier/data/dataset.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <utility>
#include <vector>

namespace scenes {

using espalier::Index;
using espalier::Random;

inline constexpr Index side = 96;              ///< pixels of a scene
inline constexpr Index most_garments = 6;      ///< in one scene
inline constexpr double nearest = 1, farthest = 2;  ///< distances of garments
inline constexpr double side_at_nearest = 60;  ///< pixels that a garment's 28 take there; half as many at twice the distance

/// One garment of a scene as it can be seen.
struct Seen {
    Index label = 0;
    double distance = 0;
    Index left = side, top = side, right = 0, bottom = 0;  ///< around its visible pixels; right and bottom are not among them
    Index visible = 0;                                     ///< pixels
};

/// A scene: its pixels, whose garment each of them shows, and the garments.
struct Scene {
    std::array<float, side * side * 3> pixels;   ///< red, green and blue in [0, 1]
    std::array<std::int8_t, side * side> owner;  ///< number of the garment, -1 for the ground
    std::vector<Seen> garments;                  ///< from the farthest to the nearest
};

/// Draws scenes: two to six garments of any classes, turned by up to a quarter of a right angle, at distances from 1 to 2 of which the size
/// tells, those nearer over those farther away, each with its dye and its shadow, on a textured ground, in one light for all, with noise.
class Composer {
public:
    /// @throws espalier::ValueError for no garments
    explicit Composer(espalier::data::Dataset<> garments) : garments_{std::move(garments)} {}

    void operator()(Random& random, Scene& scene) const {
        draw_ground(random, side, scene.pixels.data());
        scene.owner.fill(-1);
        scene.garments.clear();
        const Index count = 2 + random.below(most_garments - 1);
        std::vector<double> distances;
        for (Index i = 0; i < count; ++i)
            distances.push_back(random.uniform(nearest, farthest));
        std::sort(distances.rbegin(), distances.rend());
        for (const double distance : distances)
            place(random, distance, scene);
        for (Index i = 0; i < side * side; ++i)
            if (const int owner = scene.owner[static_cast<std::size_t>(i)]; owner >= 0)
                see(scene.garments[static_cast<std::size_t>(owner)], i % side, i / side);
        expose(random, scene);
    }

private:
    /// Where a pixel of the scene lies on a garment: turned, scaled and moved.
    struct View {
        double x, y, across, down;  ///< of the centre, and steps on the garment for one pixel to the right

        [[nodiscard]] std::pair<double, double> operator()(double to_x, double to_y) const noexcept {
            constexpr double middle = Garment::side / 2.0;
            const double dx = to_x - x, dy = to_y - y;
            return {middle + across * dx - down * dy, middle + down * dx + across * dy};
        }
    };

    void place(Random& random, double distance, Scene& scene) const {
        const Index number = random.below(garments_.size());
        const Garment garment{garments_.inputs().data() + number * Garment::side * Garment::side};
        const double angle = random.uniform(-std::numbers::pi / 8, std::numbers::pi / 8);
        const double size = side_at_nearest / distance;
        const double step = Garment::side / size;
        const double margin = std::min(size / 3, side / 3.0);
        const View view{random.uniform(margin, side - margin), random.uniform(margin, side - margin), step * std::cos(angle),
                        step * std::sin(angle)};
        std::array<float, 3> dye{};
        for (float& part : dye)
            part = random.uniform<float>(0.35F, 1.0F);
        const double shadow = 5 / distance;  // the light comes from the upper left
        const double reach = size / 2 * (std::cos(angle) + std::abs(std::sin(angle))) + shadow + 1;
        const auto rows = span_around(view.y, reach), columns = span_around(view.x, reach);
        for (Index y = rows.first; y < rows.second; ++y)
            for (Index x = columns.first; x < columns.second; ++x)
                darken(garment, view, shadow, x, y, scene);
        for (Index y = rows.first; y < rows.second; ++y)
            for (Index x = columns.first; x < columns.second; ++x)
                paint(garment, view, dye, x, y, scene);
        scene.garments.push_back({.label = garments_.target("class").labels()[number], .distance = distance});
    }

    [[nodiscard]] static std::pair<Index, Index> span_around(double centre, double reach) noexcept {
        return {std::max<Index>(0, static_cast<Index>(centre - reach)), std::min<Index>(side, static_cast<Index>(centre + reach) + 1)};
    }

    static void darken(const Garment& garment, const View& view, double shadow, Index x, Index y, Scene& scene) noexcept {
        const auto [u, v] = view(static_cast<double>(x) + 0.5 - shadow, static_cast<double>(y) + 0.5 - shadow);
        const float light = 1 - 0.45F * garment.cover(u, v);
        for (Index c = 0; c < 3; ++c)
            scene.pixels[static_cast<std::size_t>((y * side + x) * 3 + c)] *= light;
    }

    static void paint(const Garment& garment, const View& view, const std::array<float, 3>& dye, Index x, Index y, Scene& scene) noexcept {
        const auto [u, v] = view(static_cast<double>(x) + 0.5, static_cast<double>(y) + 0.5);
        const float cover = garment.cover(u, v);
        if (!(cover > 0))
            return;
        const auto pixel = static_cast<std::size_t>(y * side + x);
        const float grey = 0.12F + 0.88F * garment.brightness(u, v);
        for (std::size_t c = 0; c < 3; ++c)
            scene.pixels[pixel * 3 + c] += cover * (grey * dye[c] - scene.pixels[pixel * 3 + c]);
        if (cover >= 0.5F)
            scene.owner[pixel] = static_cast<std::int8_t>(scene.garments.size());
    }

    static void see(Seen& seen, Index x, Index y) noexcept {
        ++seen.visible;
        seen.left = std::min(seen.left, x);
        seen.right = std::max(seen.right, x + 1);
        seen.top = std::min(seen.top, y);
        seen.bottom = std::max(seen.bottom, y + 1);
    }

    /// One light and one contrast for the scene, and the noise of a sensor: runs of the grain below from random places, since a normal
    /// variable for each value would take as long as all else.
    static void expose(Random& random, Scene& scene) {
        static const auto grain = [] {
            std::array<float, 1 << 16> values;
            Random fixed{3};
            for (float& value : values)
                value = fixed.normal<float>();
            return values;
        }();
        constexpr Index run = 3 * side / 4;
        const float light = random.uniform<float>(0.7F, 1.2F), noise = random.uniform<float>(0.01F, 0.04F);
        for (auto part = scene.pixels.begin(); part != scene.pixels.end(); part += run) {
            const float* const from = grain.data() + random.below(static_cast<Index>(grain.size()) - run);
            for (Index i = 0; i < run; ++i)
                part[i] = std::clamp(light * part[i] + noise * from[i], 0.0F, 1.0F);
        }
    }

    espalier::data::Dataset<> garments_;
};

}  // namespace scenes
