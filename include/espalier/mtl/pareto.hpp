// SPDX-License-Identifier: MIT
/// @file What there is to say of a set of points whose coordinates are losses, all of them to be as low as possible.
#pragma once

#include <espalier/core/error.hpp>
#include <espalier/core/finite.hpp>
#include <espalier/tensor/tensor.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::mtl {
namespace detail {

/// @throws ShapeError unless they are (N, M), M at least 1; ValueError for a coordinate that is not finite
inline void require_points(const char* operation, const Tensor<double>& points) {
    require<ShapeError>(points.rank() == 2 && points.size(1) > 0, operation, "expected points (N, objectives), got ", points.shape());
    for (const double coordinate : points)
        require<ValueError>(is_finite(coordinate), operation, "expected finite points, got a coordinate ", coordinate);
}

/// A corner of a box whose opposite one is 0, all coordinates above that.
using Corner = const double*;

/// Whether box a holds box b, by the first `dimensions` coordinates.
[[nodiscard]] inline bool holds(Corner a, Corner b, Index dimensions) {
    for (Index k = 0; k < dimensions; ++k)
        if (a[k] < b[k])
            return false;
    return true;
}

/// Volume of the union of boxes by their first `dimensions` coordinates: slices between the heights of the boxes in the last of these,
/// from the top down, each as large as the union of those that reach it. Recursion is as deep as there are dimensions.
[[nodiscard]] inline double volume(std::vector<Corner> boxes, Index dimensions) {
    const Index last = dimensions - 1;
    std::sort(boxes.begin(), boxes.end(), [&](Corner a, Corner b) { return a[last] > b[last]; });
    if (last == 0)
        return boxes.empty() ? 0 : boxes.front()[0];
    std::vector<Corner> slice;  // no box in it holds another
    double area = 0;
    double total = 0;
    for (std::size_t i = 0; i < boxes.size(); ++i) {
        const Corner box = boxes[i];
        if (std::none_of(slice.begin(), slice.end(), [&](Corner other) { return holds(other, box, last); })) {
            std::erase_if(slice, [&](Corner other) { return holds(box, other, last); });
            slice.push_back(box);
            area = volume(slice, last);
        }
        const double below = i + 1 < boxes.size() ? boxes[i + 1][last] : 0;
        total += area * (box[last] - below);
    }
    return total;
}

}  // namespace detail

/// Which of the points (N, objectives) no other one dominates, that is, is as low in all objectives and lower in one; ascending. Equal
/// points dominate each other as little as they do themselves, so all of them stay. `points.gather(pareto_filter(points))` is the front.
/// Takes N^2 comparisons. @throws ShapeError, ValueError for what are no points
[[nodiscard]] inline std::vector<Index> pareto_filter(const Tensor<double>& points) {
    detail::require_points("pareto_filter", points);
    const Index objectives = points.size(1);
    const auto point = [&](Index i) { return points.data() + i * objectives; };
    std::vector<Index> front;
    for (Index i = 0; i < points.size(0); ++i) {
        bool dominated = false;
        for (Index j = 0; j < points.size(0) && !dominated; ++j)
            dominated = detail::holds(point(i), point(j), objectives) && !detail::holds(point(j), point(i), objectives);
        if (!dominated)
            front.push_back(i);
    }
    return front;
}

/// Volume of what the points (N, objectives) dominate within the reference point: HIGHER IS BETTER. Exact, for any number of
/// objectives, though its time grows as N to the power of their number less one. A point that is not below the reference in all of
/// them adds nothing. @throws ShapeError, ValueError for what are no points, or a reference of another number of objectives
[[nodiscard]] inline double hypervolume(const Tensor<double>& points, std::span<const double> reference) {
    detail::require_points("hypervolume", points);
    const Index objectives = points.size(1);
    require<ShapeError>(static_cast<std::size_t>(objectives) == reference.size(), "hypervolume", "expected a reference of ", objectives,
                        " objectives, got ", reference.size());
    for (const double coordinate : reference)
        require<ValueError>(is_finite(coordinate), "hypervolume", "expected a finite reference, got a coordinate ", coordinate);
    Tensor<double> corners = Tensor<double>::empty(points.shape());  // by how much each is below
    std::vector<detail::Corner> boxes;
    for (Index i = 0; i < points.size(0); ++i) {
        double* const corner = corners.data() + i * objectives;
        for (Index k = 0; k < objectives; ++k)
            corner[k] = reference[static_cast<std::size_t>(k)] - points[i * objectives + k];
        if (std::all_of(corner, corner + objectives, [](double extent) { return extent > 0; }))
            boxes.push_back(corner);
    }
    return detail::volume(std::move(boxes), objectives);
}

/// How far the points (N, objectives) reach: the length of the diagonal of the smallest box that holds them, 0 for less than two (the
/// maximum spread of Zitzler, 1999). Of a front: HIGHER IS BETTER. @throws ShapeError, ValueError for what are no points
[[nodiscard]] inline double spread(const Tensor<double>& points) {
    detail::require_points("spread", points);
    const Index count = points.size(0), objectives = points.size(1);
    double diagonal = 0;
    for (Index k = 0; k < objectives && count > 0; ++k) {
        double lowest = points[k], highest = points[k];
        for (Index i = 1; i < count; ++i) {
            lowest = std::min(lowest, points[i * objectives + k]);
            highest = std::max(highest, points[i * objectives + k]);
        }
        diagonal = std::hypot(diagonal, highest - lowest);
    }
    return diagonal;
}

/// How well points (N, objectives) lie where preferences r of the same shape want them, all r_j L_j alike, in the mean: 1 if each lies on
/// its ray, and at the least 1 - log(objectives): HIGHER IS BETTER. Of one point it is 1 - sum_j s_j log(s_j objectives) with the shares
/// s_j of r_j L_j in their sum, as in the paper on Pareto hypernetworks (Navon et al., 2021); 1 if that sum is 0. @throws ShapeError,
/// ValueError for what are no points, or none, preferences of another shape, or numbers below 0
[[nodiscard]] inline double uniformity(const Tensor<double>& points, const Tensor<double>& preferences) {
    detail::require_points("uniformity", points);
    detail::require_points("uniformity", preferences);
    require<ShapeError>(points.shape() == preferences.shape() && points.size(0) > 0, "uniformity", "expected a preference for each of the ",
                        "points ", points.shape(), ", got ", preferences.shape());
    for (const Tensor<double>* const numbers : {&points, &preferences})
        for (const double number : *numbers)
            require<ValueError>(number >= 0, "uniformity", "expected losses and preferences of at least 0, got ", number);
    const Index count = points.size(0), objectives = points.size(1);
    double uneven = 0;
    for (Index i = 0; i < count; ++i) {
        double sum = 0;
        for (Index k = i * objectives; k < (i + 1) * objectives; ++k)
            sum += preferences[k] * points[k];
        for (Index k = i * objectives; k < (i + 1) * objectives; ++k)
            if (const double share = sum > 0 ? preferences[k] * points[k] / sum : 0; share > 0)
                uneven += share * std::log(share * static_cast<double>(objectives));
    }
    return 1 - uneven / static_cast<double>(count);
}

}  // namespace espalier::inline ESPALIER_ABI::mtl
