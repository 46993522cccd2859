// SPDX-License-Identifier: MIT
/// @file Scenes as a set of four tasks: drawn anew in each epoch, or fixed.
#pragma once

#include "composer.hpp"

#include <espalier/data/batch.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace scenes {

using espalier::Shape;
using espalier::Tensor;

/// The tasks, and what their targets are:
/// - `segments`: class of each pixel, (N, 96, 96): 0 the ground, and one more than that of its garment;
/// - `boundaries`: whether another garment, or the ground, begins at the next pixel, (N, 96, 96, 1);
/// - `depth`: the distance of what a pixel shows, (N, 96, 96, 1), known where that is a garment;
/// - `objects`: corners and class of each garment, (N, 6, 5), as vision::pack has them; of what is hidden but for a few pixels, none.
inline const std::vector<std::string> tasks{"segments", "boundaries", "depth", "objects"};
inline constexpr Index segment_classes = 11;
inline constexpr Index garment_classes = 10;

namespace detail {

/// Writes the truth of one scene at `sample`.
class Truth {
public:
    explicit Truth(Index count)
        : pixels{{count, side, side, 3}},
          segments{{count, side, side}},
          boundaries{{count, side, side, 1}},
          depth{{count, side, side, 1}},
          known{{count, side, side, 1}},
          objects{Tensor<float>::full({count, most_garments, 5}, -1)} {}

    void write(Index sample, const Scene& scene) {
        std::copy(scene.pixels.begin(), scene.pixels.end(), pixels.data() + sample * side * side * 3);
        for (Index y = 0; y < side; ++y)
            for (Index x = 0; x < side; ++x) {
                const Index pixel = y * side + x, to = sample * side * side + pixel;
                const int owner = at(scene, x, y);
                const Seen* const seen = owner < 0 ? nullptr : &scene.garments[static_cast<std::size_t>(owner)];
                segments[to] = seen ? seen->label + 1 : 0;
                known[to] = seen != nullptr;
                depth[to] = seen ? static_cast<float>(seen->distance) : 0.0F;
                boundaries[to] = (x + 1 < side && at(scene, x + 1, y) != owner) || (y + 1 < side && at(scene, x, y + 1) != owner) ? 1.0F
                                                                                                                                  : 0.0F;
            }
        float* object = objects.data() + sample * most_garments * 5;
        for (const Seen& seen : scene.garments)
            if (seen.visible >= fewest_pixels)
                for (const Index value : {seen.left, seen.top, seen.right, seen.bottom, seen.label})
                    *object++ = static_cast<float>(value);
    }

    /// Takes what was written: all labels, or those of each task for a random share of the scenes.
    [[nodiscard]] espalier::data::Batch<> batch(double labelled, Random& random) && {
        const Index count = pixels.size(0);
        const auto chosen = [&]() -> std::optional<Tensor<bool>> {
            if (labelled >= 1)
                return std::nullopt;
            Tensor<bool> mask{{count}};
            for (bool& known_here : mask)
                known_here = random.uniform() < labelled;
            return mask;
        };
        const auto seen = chosen();
        for (Index i = 0; seen && i < known.numel(); ++i)
            known[i] = known[i] && (*seen)[i / (side * side)];
        return {std::move(pixels),
                {{"segments", {std::move(segments), chosen()}},
                 {"boundaries", {std::move(boundaries), chosen()}},
                 {"depth", {std::move(depth), std::move(known)}},
                 {"objects", {std::move(objects), chosen()}}}};
    }

private:
    static constexpr Index fewest_pixels = 40;  ///< of a garment that is to be found

    [[nodiscard]] static int at(const Scene& scene, Index x, Index y) noexcept {
        return scene.owner[static_cast<std::size_t>(y * side + x)];
    }

    Tensor<float> pixels;
    Tensor<Index> segments;
    Tensor<float> boundaries, depth;
    Tensor<bool> known;
    Tensor<float> objects;
};

}  // namespace detail

/// Scenes that are drawn anew in every epoch: a set as data::DataLoader walks over it.
class DrawnScenes {
public:
    /// Each task has its labels in a random `labelled` share of the scenes. @throws espalier::ValueError for a count below 1
    DrawnScenes(espalier::data::Dataset<> garments, Index count, double labelled = 1)
        : compose_{std::move(garments)}, count_{count}, labelled_{labelled} {
        espalier::require<espalier::ValueError>(count >= 1, "scenes", "expected at least one scene, got ", count);
    }

    /// Scenes of an epoch.
    [[nodiscard]] Index size() const noexcept { return count_; }

    [[nodiscard]] espalier::data::Batch<> gather(std::span<const Index> indices, Random& random) const {
        const auto count = static_cast<Index>(indices.size());
        detail::Truth truth{count};
        const auto scene = std::make_unique<Scene>();
        for (Index i = 0; i < count; ++i) {
            compose_(random, *scene);
            truth.write(i, *scene);
        }
        return std::move(truth).batch(labelled_, random);
    }

private:
    Composer compose_;
    Index count_;
    double labelled_;
};

/// `count` scenes that stay: same garments and random stream, same scenes.
[[nodiscard]] inline espalier::data::Dataset<> fixed_scenes(espalier::data::Dataset<> garments, Index count, Random random) {
    const DrawnScenes set{std::move(garments), count};
    const std::vector<Index> all(static_cast<std::size_t>(count));
    auto batch = set.gather(all, random);
    return {std::move(batch.input), std::move(batch.targets)};
}

}  // namespace scenes
