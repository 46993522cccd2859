// SPDX-License-Identifier: MIT
#include "autograd/registry.hpp"

#include <espalier/autograd/activation.hpp>
#include <espalier/autograd/dropout.hpp>
#include <espalier/autograd/softmax.hpp>

namespace registry {
namespace {

Draw any_values(Random& random) { return {{normal(random_shape(random, 0, 3), random)}}; }
Draw off_kinks(Random& random) { return {{apart(random_shape(random, 0, 3), random)}}; }
/// On both sides of 0 and of 6: the grid of `apart` in steps of 3.
Draw off_both_kinks(Random& random) {
    Tensor<double> values = apart(random_shape(random, 0, 3), random);
    for (double& value : values)
        value *= 60;
    return {{std::move(values)}};
}
Draw above_0(Random& random) { return {{positive(random_shape(random, 0, 3), random)}}; }
Draw with_classes(Random& random) { return {{normal(random_shape(random, 1, 3, 5), random)}}; }

template <class Scalar>
Variable<Scalar> dropout(const Variables<Scalar>& v, const Attributes& a) {
    Random random{static_cast<std::uint64_t>(a.index("seed")), static_cast<std::uint64_t>(a.index("stream")),
                  static_cast<std::uint64_t>(a.index("position"))};
    return espalier::autograd::dropout(v[0], a.number("p"), random);
}

void drop(double p) {
    Random random;
    (void)espalier::autograd::dropout(zeros({2}), p, random);
}

}  // namespace

Rows activation_rows() {
    namespace ag = espalier::autograd;
    Rows rows;
    rows.push_back(row("exp", [](const auto& v, const Attributes&) { return ag::exp(v[0]); }, any_values));
    rows.push_back(row("log", [](const auto& v, const Attributes&) { return ag::log(v[0]); }, above_0));
    rows.push_back(row("sqrt", [](const auto& v, const Attributes&) { return ag::sqrt(v[0]); }, above_0));
    rows.push_back(row("relu", [](const auto& v, const Attributes&) { return ag::relu(v[0]); }, off_kinks));
    rows.push_back(row("relu6", [](const auto& v, const Attributes&) { return ag::relu6(v[0]); }, off_both_kinks));
    rows.push_back(row("leaky_relu", []<class S>(const Variables<S>& v, const Attributes& a) {
        return ag::leaky_relu(v[0], static_cast<S>(a.number("slope")));
    }, [](Random& random) {
        return Draw{{apart(random_shape(random, 0, 3), random)}, {{"slope", {random.uniform(0.0, 0.5)}}}};
    }));
    rows.push_back(row("sigmoid", [](const auto& v, const Attributes&) { return ag::sigmoid(v[0]); }, any_values));
    rows.push_back(row("tanh", [](const auto& v, const Attributes&) { return ag::tanh(v[0]); }, any_values));
    rows.push_back(row("gelu", [](const auto& v, const Attributes&) { return ag::gelu(v[0]); }, any_values));
    rows.push_back(row("softmax", [](const auto& v, const Attributes&) { return ag::softmax(v[0]); }, with_classes,
                       {{[] { (void)ag::softmax(zeros({})); }, "[softmax] expected a last axis of classes, got shape ()"}}));
    rows.push_back(row("log_softmax", [](const auto& v, const Attributes&) { return ag::log_softmax(v[0]); }, with_classes,
                       {{[] { (void)ag::log_softmax(zeros({})); }, "[log_softmax] expected a last axis of classes, got shape ()"}}));
    rows.push_back(row("dropout", [](const auto& v, const Attributes& a) { return dropout(v, a); },
                       [](Random& random) {
                           return Draw{{normal(random_shape(random, 1, 3), random)},
                                       {{"p", {random.below(5) == 0 ? 0 : random.uniform(0.1, 0.9)}},
                                        {"seed", {static_cast<double>(random.below(1000))}},
                                        {"stream", {static_cast<double>(random.below(1000))}},
                                        {"position", {static_cast<double>(random.below(1000))}}}};
                       },
                       {{[] { drop(1); }, "[dropout] expected a probability in [0, 1), got 1"},
                        {[] { drop(-0.25); }, "[dropout] expected a probability in [0, 1), got -0.25"},
                        {[] { drop(NAN); }, "[dropout] expected a probability in [0, 1), got nan"}}));
    return rows;
}

}  // namespace registry
