// SPDX-License-Identifier: MIT
/// @file Everything in vision/.
#pragma once

#include <espalier/vision/box.hpp>
#include <espalier/vision/center_net.hpp>
#include <espalier/vision/coco_evaluation.hpp>
#include <espalier/vision/decode_centers.hpp>
#include <espalier/vision/decode_keypoints.hpp>
#include <espalier/vision/gaussian.hpp>
#include <espalier/vision/keypoint_metrics.hpp>
#include <espalier/vision/keypoints.hpp>
#include <espalier/vision/mean_average_precision.hpp>
#include <espalier/vision/nms.hpp>
