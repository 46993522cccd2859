// SPDX-License-Identifier: MIT
/// @file The values of golden/metrics.json, which scikit-learn gave.
#pragma once

#include <espalier/losses/target.hpp>

#include "catch.hpp"

#include <nlohmann/json.hpp>

#include <fstream>
#include <string>
#include <vector>

namespace testing {

using espalier::Index;
using espalier::Shape;
using espalier::Tensor;

inline const nlohmann::json& golden() {
    static const nlohmann::json content = nlohmann::json::parse(std::ifstream{ESPALIER_GOLDEN_DIR "/metrics.json"});
    return content;
}

template <class T>
Tensor<T> tensor(const nlohmann::json& values, const Shape& shape) {
    auto result = Tensor<T>::empty(shape);
    REQUIRE(static_cast<Index>(values.size()) == result.numel());
    for (Index i = 0; i < result.numel(); ++i)
        result[i] = values[static_cast<std::size_t>(i)].template get<T>();
    return result;
}

/// Batches of seven: predictions and targets to update a metric with.
template <class Scalar, class Metric>
void update_in_batches(Metric& metric, const Tensor<Scalar>& predictions, const espalier::losses::Target<Scalar>& target) {
    for (Index first = 0; first < target.size(); first += 7) {
        std::vector<Index> batch;
        for (Index i = first; i < std::min(first + 7, target.size()); ++i)
            batch.push_back(i);
        metric.update(predictions.gather(batch), target.gather(batch));
    }
}

}  // namespace testing
