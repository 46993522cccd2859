// SPDX-License-Identifier: MIT
#include "autograd/registry.hpp"

#include <espalier/autograd/reduction.hpp>
#include <espalier/autograd/reshape.hpp>
#include <espalier/autograd/segment.hpp>

#include <limits>
#include <numeric>
#include <vector>

namespace registry {
namespace {

namespace ag = espalier::autograd;
using espalier::concat;

constexpr Index largest = std::numeric_limits<Index>::max();

Draw any(Random& random) { return {{normal(random_shape(random, 0, 4), random)}}; }

Draw along_axis(Random& random, Tensor<double> (*values)(const Shape&, Random&)) {
    const Shape shape = random_shape(random, 1, 4);
    const auto axis = static_cast<double>(between(random, -shape.rank(), shape.rank() - 1));
    return {{values(shape, random)}, {{"axis", {axis}}, {"keep_axis", {static_cast<double>(random.below(2))}}}};
}

Draw axis_of_any(Random& random) { return along_axis(random, normal); }
Draw axis_off_ties(Random& random) { return along_axis(random, apart); }

Tensor<Index> lengths_of(const Attributes& a) {
    const auto lengths = a.indices("lengths");
    return {Shape{static_cast<Index>(lengths.size())}, lengths};
}

Draw in_segments(Random& random) {
    std::vector<Index> lengths(static_cast<std::size_t>(between(random, 0, 4)));
    for (Index& length : lengths)
        length = random.below(4);
    Draw draw{{normal(random_shape(random, 0, 2).prepended(std::accumulate(lengths.begin(), lengths.end(), Index{0})), random)}};
    draw.attributes.set("lengths", lengths);
    return draw;
}

/// The parts in reverse order, side by side again, so that the result is one variable.
template <class Scalar>
Variable<Scalar> split(const Variables<Scalar>& v, const Attributes& a) {
    const auto sizes = a.indices("sizes");
    const auto parts = ag::split(v[0], std::span<const Index>{sizes}, a.index("axis"));
    return ag::cat(Variables<Scalar>{parts.rbegin(), parts.rend()}, a.index("axis"));
}

Draw to_split(Random& random) {
    Draw draw = axis_of_any(random);
    std::vector<Index> sizes;
    for (Index rest = draw.inputs[0].size(draw.attributes.index("axis")); rest > 0; rest -= sizes.back())
        sizes.push_back(between(random, 1, rest));
    draw.attributes.set("sizes", sizes);
    return draw;
}

Draw to_concatenate(Random& random) {
    Draw draw = axis_of_any(random);
    const Shape shape = draw.inputs[0].shape();
    for (Index more = random.below(3); more > 0; --more)
        draw.inputs.push_back(normal(shape.with(draw.attributes.index("axis"), between(random, 1, 3)), random));
    return draw;
}

void cut(const Shape& shape, std::vector<Index> sizes, Index axis) {
    (void)ag::split(zeros(shape), std::span<const Index>{sizes}, axis);
}

}  // namespace

Rows shape_rows() {
    Rows rows;
    rows.push_back(row(
        "reshape", [](const auto& v, const Attributes& a) { return ag::reshape(v[0], a.shape("shape")); },
        [](Random& random) {
            Draw draw = any(random);
            const Shape shape = draw.inputs[0].shape();
            draw.attributes.set("shape", random.below(2) ? Shape{shape.numel()} : shape.prepended(1));
            return draw;
        },
        {{[] { (void)ag::reshape(zeros({2, 3}), {4, 2}); }, "[reshape] expected 6 elements as in (2, 3), got shape (4, 2)"}}));
    rows.push_back(row(
        "flatten", [](const auto& v, const Attributes& a) { return ag::flatten(v[0], a.index("first")); },
        [](Random& random) {
            const Shape shape = random_shape(random, 1, 4);
            return Draw{{normal(shape, random)}, {{"first", {static_cast<double>(random.below(shape.rank()))}}}};
        },
        {{[] { (void)ag::flatten(zeros({2}), 1); }, "[flatten] expected more than 1 axes, got (2,)"},
         {[] { (void)ag::flatten(zeros({2}), -1); }, "[flatten] expected more than -1 axes, got (2,)"}}));
    rows.push_back(row(
        "narrow",
        [](const auto& v, const Attributes& a) {
            return ag::narrow(v[0], a.index("axis"), a.index("start"), a.index("length"));
        },
        [](Random& random) {
            Draw draw = axis_of_any(random);
            const Index extent = draw.inputs[0].size(draw.attributes.index("axis"));
            const Index start = random.below(extent);
            draw.attributes.set("start", std::vector<Index>{start});
            draw.attributes.set("length", std::vector<Index>{between(random, 1, extent - start)});
            return draw;
        },
        {{[] { (void)ag::narrow(zeros({2, 3}), 1, 2, 2); }, "[narrow] expected a range within axis 1 of (2, 3), got 2 entries from 2"},
         {[] { (void)ag::narrow(zeros({2, 3}), -1, -1, 2); }, "[narrow] expected a range within axis 1 of (2, 3), got 2 entries from -1"},
         {[] { (void)ag::narrow(zeros({2, 3}), 1, largest, largest); },
          concat("[narrow] expected a range within axis 1 of (2, 3), got ", largest, " entries from ", largest)},
         {[] { (void)ag::narrow(zeros({2, 3}), 1, 1, largest); },
          concat("[narrow] expected a range within axis 1 of (2, 3), got ", largest, " entries from 1")},
         {[] { (void)ag::narrow(zeros({2, 3}), 1, 4, 0); }, "[narrow] expected a range within axis 1 of (2, 3), got 0 entries from 4"},
         {[] { (void)ag::narrow(zeros({2, 3}), 2, 0, 1); }, "[shape] expected an axis of (2, 3), got 2"}}));
    rows.push_back(row("split", [](const auto& v, const Attributes& a) { return split(v, a); }, to_split,
                       {{[] { cut({2, 5}, {2, 2}, 1); },
                         "[split] expected sizes that add up to 5 on axis 1 of (2, 5), got 4"},
                        {[] { cut({2, 5}, {6, -1}, 1); },
                         "[split] expected sizes that add up to 5 on axis 1 of (2, 5), got 6 after 0"},
                        {[] { cut({2, 5}, {4, -1, 2}, 1); },
                         "[split] expected sizes that add up to 5 on axis 1 of (2, 5), got -1 after 4"},
                        {[] { cut({2, 5}, {largest, largest, 7}, 1); },
                         concat("[split] expected sizes that add up to 5 on axis 1 of (2, 5), got ", largest, " after 0")}}));
    rows.push_back(row(
        "cat", [](const auto& v, const Attributes& a) { return ag::cat(v, a.index("axis")); }, to_concatenate,
        {{[] { (void)ag::cat(Variables<double>{}, 0); }, "[cat] expected at least one input, got none"},
         {[] { (void)ag::cat(Variables<double>{zeros({2, 3}), zeros({2, 4})}, 0); },
          "[cat] expected shapes that agree but for axis 0, got (2, 3) and (2, 4)"},
         {[] { (void)ag::cat(Variables<double>{zeros({2, 3}), zeros({2})}, -1); },
          "[cat] expected shapes that agree but for axis 1, got (2, 3) and (2,)"},
         {[] { (void)ag::cat(Variables<double>(20, zeros({0, largest / 16})), 1); },
          concat("[shape] expected fewer elements than can be addressed, got 1 x ", largest / 16 * 2)}}));
    rows.push_back(row("sum", [](const auto& v, const Attributes&) { return ag::sum(v[0]); }, any));
    rows.push_back(row("mean", [](const auto& v, const Attributes&) { return ag::mean(v[0]); }, any,
                       {{[] { (void)ag::mean(zeros({2, 0})); }, "[mean] expected at least one element, got shape (2, 0)"}}));
    rows.push_back(row(
        "sum_axis", [](const auto& v, const Attributes& a) { return ag::sum(v[0], a.index("axis"), a.flag("keep_axis")); },
        axis_of_any, {{[] { (void)ag::sum(zeros({2, 3}), -3); }, "[shape] expected an axis of (2, 3), got -3"}}));
    rows.push_back(row(
        "mean_axis", [](const auto& v, const Attributes& a) { return ag::mean(v[0], a.index("axis"), a.flag("keep_axis")); },
        axis_of_any,
        {{[] { (void)ag::mean(zeros({2, 0}), 1); }, "[mean] expected entries on axis 1, got shape (2, 0)"}}));
    rows.push_back(row(
        "max_axis", [](const auto& v, const Attributes& a) { return ag::max(v[0], a.index("axis"), a.flag("keep_axis")); },
        axis_off_ties, {{[] { (void)ag::max(zeros({0, 2}), 0); }, "[max] expected entries on axis 0, got shape (0, 2)"}}));
    rows.push_back(row(
        "segment_sum", [](const auto& v, const Attributes& a) { return ag::segment_sum(v[0], lengths_of(a)); }, in_segments,
        {{[] { (void)ag::segment_sum(zeros({}), Tensor<Index>{{1}, {1}}); },
          "[segment_sum] expected rows (sum of lengths, ...) and lengths (N,), got () and (1,)"},
         {[] { (void)ag::segment_sum(zeros({3, 2}), Tensor<Index>{{2}, {1, 3}}); },
          "[segment_sum] expected lengths that add up to 3 rows, got 3 where 2 are left"}}));
    rows.push_back(row(
        "segment_mean", [](const auto& v, const Attributes& a) { return ag::segment_mean(v[0], lengths_of(a)); }, in_segments,
        {{[] { (void)ag::segment_mean(zeros({3, 2}), Tensor<Index>{{1, 1}, {3}}); },
          "[segment_mean] expected rows (sum of lengths, ...) and lengths (N,), got (3, 2) and (1, 1)"},
         {[] { (void)ag::segment_mean(zeros({3, 2}), Tensor<Index>{{2}, {4, -1}}); },
          "[segment_mean] expected lengths that add up to 3 rows, got 4 where 3 are left"},
         {[] { (void)ag::segment_mean(zeros({3, 2}), Tensor<Index>{{2}, {1, 1}}); },
          "[segment_mean] expected lengths that add up to 3 rows, got 2"}}));
    return rows;
}

}  // namespace registry
