// SPDX-License-Identifier: MIT
/// @file Networks of preferences against PyTorch modules that were written from the papers' formulas (golden/make_pareto.py).
#include <espalier/io/safetensors.hpp>
#include <espalier/mtl/multi_task_net.hpp>
#include <espalier/mtl/pareto/hypernetwork.hpp>
#include <espalier/mtl/pareto/preference_film.hpp>

#include "nn/testing.hpp"

#include <cmath>
#include <string>
#include <type_traits>
#include <vector>

using namespace espalier;

namespace {

/// Parameters are sines of their place among all.
template <class Model>
void set_sines(Model& model) {
    Index place = 0;
    for (auto& parameter : model.parameters())
        for (auto& value : parameter.mutable_value())
            value = static_cast<typename Model::value_type>(0.6 * std::sin(1.7 * static_cast<double>(place++) + 0.3));
}
template <class S>
Tensor<S> input() {
    Tensor<S> x{Shape{5, 2}};
    for (Index i = 0; i < x.numel(); ++i)
        x[i] = static_cast<S>(std::cos(0.9 * static_cast<double>(i)));
    return x;
}
Tensor<double> preferences() { return {{5, 2}, {0.1, 0.9, 0.3, 0.7, 0.5, 0.5, 0.7, 0.3, 0.9, 0.1}}; }

/// Outputs, and the gradients of the mean of each one's squares, a row for each.
template <class S>
void require_same(const std::string& name, const Named<Variable<S>>& outputs, const std::vector<Variable<S>>& parameters) {
    const auto file = io::load_safetensors(ESPALIER_GOLDEN_DIR "/pareto.safetensors");
    const double tolerance = std::is_same_v<S, double> ? 1e-11 : 2e-5;
    std::vector<Variable<S>> losses;
    for (const auto& [task, output] : outputs) {
        testing::require_close(output.value(), file.template get<S>(name + '/' + task), tolerance);
        losses.push_back(mean(output * output));
    }
    testing::require_close(autograd::jacobian<S>(losses, parameters), file.template get<S>(name + "/gradients"), tolerance);
}

}  // namespace

TEMPLATE_TEST_CASE("a trunk with FiLM is PyTorch's", "[mtl][pareto][golden]", float, double) {
    using S = TestType;
    nn::Sequential<S> trunk{nn::Linear<S>{2, 4}, nn::Tanh{}, nn::Linear<S>{4, 3}};
    mtl::MultiTaskNet<S> net{mtl::PreferenceFiLM<S>{std::move(trunk), 2, {.after = {1, 3}, .channels = {4, 3}}},
                             {{"a", nn::Linear<S>{3, 2}}, {"b", nn::Linear<S>{3, 1}}}};
    set_sines(net);
    require_same("film", net(mtl::with_preference(input<S>(), preferences())), net.parameters());
}

TEMPLATE_TEST_CASE("a hypernetwork is PyTorch's", "[mtl][pareto][golden]", float, double) {
    using S = TestType;
    mtl::Hypernetwork net{mtl::MultiTaskNet<S>{nn::Sequential<S>{nn::Linear<S>{2, 4}, nn::Tanh{}, nn::Linear<S>{4, 3}},
                                               {{"a", nn::Linear<S>{3, 2}}, {"b", nn::Linear<S>{3, 1}}}},
                          2,
                          {.hidden = 6}};
    set_sines(net);
    require_same("hypernetwork", net(input<S>(), std::vector<double>{0.3, 0.7}), net.parameters());
}
