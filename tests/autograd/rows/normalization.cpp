// SPDX-License-Identifier: MIT
#include "autograd/registry.hpp"

#include <espalier/autograd/arithmetic.hpp>
#include <espalier/autograd/film.hpp>
#include <espalier/autograd/layer_norm.hpp>
#include <espalier/autograd/normalization.hpp>

#include <algorithm>
#include <cmath>

namespace registry {
namespace {

namespace ag = espalier::autograd;

template <class Scalar>
Variable<Scalar> batch_norm(const Variables<Scalar>& v, const Attributes& a, bool training) {
    const Shape channels{v[0].size(-1)};
    ag::RunningStatistics<Scalar> running{a.tensor<Scalar>("running_mean", channels), a.tensor<Scalar>("running_variance", channels)};
    return ag::batch_norm(v[0], v[1], v[2], running, training, a.number("momentum"), a.number("epsilon"));
}

Draw normalised(Random& random) {
    Shape shape = random_shape(random, 1, 3, 3);
    shape.append(between(random, 1, 4));
    if (shape.numel() / shape.back() < 3)
        shape = shape.with(0, 3);  // the statistics of two values are all but constant: differences lose their digits
    const Shape channels{shape.back()};
    Draw draw{{normal(shape, random), normal(channels, random), normal(channels, random)},
              {{"momentum", {random.uniform()}}, {"epsilon", {0.01}}}};
    const auto list = [](const Tensor<double>& values) { return std::vector<double>{values.begin(), values.end()}; };
    draw.attributes.set("running_mean", list(normal(channels, random)));
    draw.attributes.set("running_variance", list(positive(channels, random)));
    return draw;
}

/// The same with what follows in its pass, a fourth input and ReLU.
template <class Scalar>
Variable<Scalar> batch_norm_joined(const Variables<Scalar>& v, const Attributes& a) {
    const Shape channels{v[0].size(-1)};
    ag::RunningStatistics<Scalar> running{a.tensor<Scalar>("running_mean", channels), a.tensor<Scalar>("running_variance", channels)};
    const bool training = a.flag("training");
    return v.size() == 4 ? ag::batch_norm_add_relu(v[0], v[1], v[2], v[3], running, training, a.number("momentum"), a.number("epsilon"))
                         : ag::batch_norm_relu(v[0], v[1], v[2], running, training, a.number("momentum"), a.number("epsilon"));
}

/// Nothing near the corner of ReLU.
Draw normalised_and_rectified(Random& random, bool with_summand) {
    for (;;) {
        Draw draw = normalised(random);
        draw.attributes.set("training", std::vector<double>{random.below(2) == 1 ? 1.0 : 0.0});
        if (with_summand)
            draw.inputs.push_back(normal(draw.inputs[0].shape(), random));
        Variables<double> inputs;
        for (const Tensor<double>& input : draw.inputs)
            inputs.emplace_back(input);
        const Shape channels{inputs[0].size(-1)};
        ag::RunningStatistics<double> running{draw.attributes.tensor<double>("running_mean", channels),
                                              draw.attributes.tensor<double>("running_variance", channels)};
        auto y = ag::batch_norm(inputs[0], inputs[1], inputs[2], running, draw.attributes.flag("training"), 0.1,
                                draw.attributes.number("epsilon"));
        if (with_summand)
            y = y + inputs[3];
        const Tensor<double>& values = y.value();
        if (std::all_of(values.begin(), values.end(), [](double v) { return std::abs(v) > 0.02; }))
            return draw;
    }
}

Draw filmed(Random& random) {
    Shape shape = random_shape(random, 1, 3, 3);
    shape.append(between(random, 1, 20));
    const Shape channels{shape[0], shape.back()};
    return {{normal(shape, random), normal(channels, random), normal(channels, random)}};
}

void refuse(const Shape& x, const Shape& weight, const Shape& bias, const Shape& statistics, bool training) {
    ag::RunningStatistics<double> running{Tensor<double>{statistics}, Tensor<double>{statistics}};
    (void)ag::batch_norm(zeros(x), zeros(weight), zeros(bias), running, training);
}

}  // namespace

Rows normalization_rows() {
    Rows rows;
    rows.push_back(row(
        "batch_norm_training", [](const auto& v, const Attributes& a) { return batch_norm(v, a, true); }, normalised,
        {{[] { refuse({4, 3}, {2}, {2}, {2}, true); },
          "[batch_norm] expected 2 channels, got input (4, 3), weight (2,), bias (2,)"},
         {[] { refuse({4, 3}, {3}, {2}, {3}, true); },
          "[batch_norm] expected 3 channels, got input (4, 3), weight (3,), bias (2,)"},
         {[] { refuse({4, 3}, {3}, {3}, {2}, true); },
          "[batch_norm] expected running statistics of shape (3,), got (2,) and (2,)"},
         {[] { refuse({3}, {3}, {3}, {3}, true); }, "[batch_norm] expected (N, ..., C), got input (3,)"},
         {[] { refuse({4, 0}, {0}, {0}, {0}, true); }, "[batch_norm] expected at least one channel, got input (4, 0)"},
         {[] { refuse({1, 1, 3}, {3}, {3}, {3}, true); },
          "[batch_norm] expected more than one value for each channel in training, got input (1, 1, 3)"}}));
    rows.push_back(row("batch_norm_evaluation", [](const auto& v, const Attributes& a) { return batch_norm(v, a, false); }, normalised,
                       {{[] { refuse({4, 3}, {3}, {3}, {3, 1}, false); },
                         "[batch_norm] expected running statistics of shape (3,), got (3, 1) and (3, 1)"}}));
    rows.push_back(row("batch_norm_relu", [](const auto& v, const Attributes& a) { return batch_norm_joined(v, a); },
                       [](Random& random) { return normalised_and_rectified(random, false); },
                       {{[] {
                             ag::RunningStatistics<double> running{Tensor<double>{Shape{2}}, Tensor<double>{Shape{2}}};
                             (void)ag::batch_norm_relu(zeros({4, 3}), zeros({2}), zeros({2}), running, true);
                         },
                         "[batch_norm_relu] expected 2 channels, got input (4, 3), weight (2,), bias (2,)"}}));
    rows.push_back(row("batch_norm_add_relu", [](const auto& v, const Attributes& a) { return batch_norm_joined(v, a); },
                       [](Random& random) { return normalised_and_rectified(random, true); },
                       {{[] {
                             ag::RunningStatistics<double> running{Tensor<double>{Shape{3}}, Tensor<double>{Shape{3}}};
                             (void)ag::batch_norm_add_relu(zeros({4, 3}), zeros({3}), zeros({3}), zeros({3}), running, true);
                         },
                         "[batch_norm_add_relu] expected a summand of the shape of input (4, 3), got (3,)"}}));
    rows.push_back(row(
        "layer_norm",
        [](const auto& v, const Attributes& a) { return ag::layer_norm(v[0], v[1], v[2], a.number("epsilon")); }, normalised,
        {{[] { (void)ag::layer_norm(zeros({4, 3}), zeros({4}), zeros({4})); },
          "[layer_norm] expected 4 channels, got input (4, 3), weight (4,), bias (4,)"},
         {[] { (void)ag::layer_norm(zeros({4}), zeros({4}), zeros({4})); }, "[layer_norm] expected (N, ..., C), got input (4,)"}}));
    rows.push_back(row(
        "film", [](const auto& v, const Attributes&) { return ag::film(v[0], v[1], v[2]); }, filmed,
        {{[] { (void)ag::film(zeros({4}), zeros({4}), zeros({4})); }, "[film] expected (N, ..., C), got input (4,)"},
         {[] { (void)ag::film(zeros({2, 5, 3}), zeros({2, 3}), zeros({3})); },
          "[film] expected scale and shift (2, 3) of input (2, 5, 3), got (2, 3) and (3,)"},
         {[] { (void)ag::film(zeros({2, 5, 3}), zeros({2, 5}), zeros({2, 3})); },
          "[film] expected scale and shift (2, 3) of input (2, 5, 3), got (2, 5) and (2, 3)"}}));
    return rows;
}

}  // namespace registry
