// SPDX-License-Identifier: MIT
/// @file Everything in metrics/.
#pragma once

#include <espalier/metrics/accuracy.hpp>
#include <espalier/metrics/auroc.hpp>
#include <espalier/metrics/average_precision.hpp>
#include <espalier/metrics/binary.hpp>
#include <espalier/metrics/boundary_f.hpp>
#include <espalier/metrics/calibration.hpp>
#include <espalier/metrics/classes.hpp>
#include <espalier/metrics/confusion_matrix.hpp>
#include <espalier/metrics/depth.hpp>
#include <espalier/metrics/error_rate.hpp>
#include <espalier/metrics/gauc.hpp>
#include <espalier/metrics/label_ranking.hpp>
#include <espalier/metrics/lists.hpp>
#include <espalier/metrics/log_loss.hpp>
#include <espalier/metrics/mean_angle.hpp>
#include <espalier/metrics/mean_iou.hpp>
#include <espalier/metrics/metric.hpp>
#include <espalier/metrics/multilabel.hpp>
#include <espalier/metrics/panoptic_quality.hpp>
#include <espalier/metrics/per_task.hpp>
#include <espalier/metrics/precision_recall.hpp>
#include <espalier/metrics/regression.hpp>
#include <espalier/metrics/retrieval.hpp>

#if defined(ESPALIER_COMPILED)
#define ESPALIER_INSTANTIATE extern template
#include <espalier/compiled/metrics.ipp>
#undef ESPALIER_INSTANTIATE
#endif
