// SPDX-License-Identifier: MIT
/// @file What the example trains: four ways to have one network for all preferences, and a network for one.
#pragma once

#include "../multi_fashion/networks.hpp"

#include <espalier/espalier.hpp>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace pareto_front {

using espalier::Index, espalier::Named, espalier::Random, espalier::Tensor;
using Ray = std::vector<double>;

inline const std::vector<std::string> tasks{"left", "right"};
inline constexpr std::array method_names{"cosmos-channels", "cosmos-film", "phn-ls", "phn-epo"};

/// A network, how it is shown a preference, and how its losses follow one.
struct Learner {
    std::vector<espalier::Variable<>> parameters;
    std::function<espalier::mtl::Outputs<>(const Tensor<float>&, const Ray&)> forward;
    std::function<Named<Tensor<float>>(const Tensor<float>&, const Ray&)> predict;
    std::function<Ray(Random&)> draw;  ///< the preference of a step
    std::function<void(espalier::mtl::MultiTaskLoss<>&, const Ray&)> balance;
    double learning_rate;
    bool along_rays = false;  ///< whether a larger number leads to a larger loss, and not to a smaller one

    [[nodiscard]] Index parameter_count() const {
        Index count = 0;
        for (const auto& parameter : parameters)
            count += parameter.numel();
        return count;
    }
};

namespace detail {

[[nodiscard]] inline std::function<Ray(Random&)> dirichlet(double concentration) {
    return [both = Ray(2, concentration)](Random& random) { return espalier::mtl::draw_preference(random, both); };
}

/// Lin's LeNet that reads two channels more, or whose stages are scaled and shifted; the loss and the draws of COSMOS.
[[nodiscard]] inline Learner cosmos(bool film, double lambda) {
    using namespace espalier;
    constexpr Index side = multi_fashion::pair_side;
    nn::Layer<> trunk = nn::trunks::lenet({side, side, 3});
    if (film)
        trunk = mtl::PreferenceFiLM{nn::trunks::lenet({side, side, 1}), 2, {.after = {1, 2, 3}, .channels = {10, 20, 50}}};
    const auto net = std::make_shared<mtl::MultiTaskNet<>>(std::move(trunk), multi_fashion::make_heads(tasks, 50));
    return {net->parameters(),
            [net](const auto& x, const Ray& ray) { return (*net)(mtl::with_preference(x, ray)); },
            [net](const auto& x, const Ray& ray) { return net->predict(mtl::with_preference(x, ray)); },
            dirichlet(1.2),
            [lambda](auto& criterion, const Ray& ray) { criterion.balance(mtl::COSMOS{{.lambda = lambda, .preference = ray}}); },
            0.002,
            true};
}

/// Lin's LeNet as the target of a hypernetwork, by a weighted sum or by exact search.
[[nodiscard]] inline Learner hypernetwork(bool exact) {
    using namespace espalier;
    using Net = mtl::Hypernetwork<mtl::MultiTaskNet<>>;
    const auto net = std::make_shared<Net>(multi_fashion::make_network("lenet", multi_fashion::pair_side), 2);
    return {net->parameters(),
            [net](const auto& x, const Ray& ray) { return (*net)(x, ray); },
            [net](const auto& x, const Ray& ray) { return net->predict(x, ray); },
            dirichlet(0.2),
            [exact](auto& criterion, const Ray& ray) {
                if (exact)
                    criterion.balance(mtl::EPO{{.preference = ray}}, {.weigh_heads = true});
                else
                    criterion.balance(mtl::FixedWeights{ray});
            },
            0.0005};
}

}  // namespace detail

/// By one of `method_names`.
[[nodiscard]] inline Learner make_learner(const std::string& method, double lambda) {
    if (method.starts_with("cosmos"))
        return detail::cosmos(method == "cosmos-film", lambda);
    return detail::hypernetwork(method == "phn-epo");
}

/// Lin's LeNet for one preference.
[[nodiscard]] inline Learner learner_of_one(const Ray& its_ray) {
    using namespace espalier;
    const auto net = std::make_shared<mtl::MultiTaskNet<>>(multi_fashion::make_network("lenet", multi_fashion::pair_side));
    return {net->parameters(),
            [net](const auto& x, const Ray&) { return (*net)(x); },
            [net](const auto& x, const Ray&) { return net->predict(x); },
            [its_ray](Random&) { return its_ray; },
            [](auto& criterion, const Ray& ray) { criterion.balance(mtl::FixedWeights{ray}); },
            0.002};
}

}  // namespace pareto_front
