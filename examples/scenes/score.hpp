// SPDX-License-Identifier: MIT
/// @file How well a network knows the scenes of the test: one figure for each task.
#pragma once

#include "dataset.hpp"

#include <espalier/metrics/boundary_f.hpp>
#include <espalier/metrics/depth.hpp>
#include <espalier/metrics/mean_iou.hpp>
#include <espalier/metrics/metric.hpp>
#include <espalier/mtl/multi_task_net.hpp>
#include <espalier/vision/mean_average_precision.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace scenes {

using espalier::Named;

/// What is measured of a task.
struct Measure {
    std::string_view task;
    std::string_view name;
    bool higher_is_better;
};

inline constexpr Measure measures[]{{"segments", "mean IoU", true},
                                    {"boundaries", "boundary F within 1 pixel", true},
                                    {"depth", "mean relative error", false},
                                    {"objects", "AP at IoU 0.5", true}};

[[nodiscard]] inline espalier::metrics::Metric<> make_metric(std::string_view task) {
    using namespace espalier;
    if (task == "segments")
        return metrics::MeanIoU<>{};
    if (task == "boundaries")
        return metrics::BoundaryF<>{{.tolerance = 1}};
    if (task == "depth")
        return metrics::AbsRel<>{};
    return vision::MeanAveragePrecision<>{{.ap50 = true}};
}

/// The measure of each task that the net has.
[[nodiscard]] inline Named<double> score(const espalier::mtl::MultiTaskNet<>& net, const espalier::data::Dataset<>& set) {
    return net.predict(set.inputs(), 32).map([&](const std::string& task, const Tensor<float>& output) {
        auto metric = make_metric(task);
        metric.update(output, set.target(task));
        return metric.value();
    });
}

}  // namespace scenes
