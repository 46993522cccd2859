// SPDX-License-Identifier: MIT
/// @file Everything in metrics/.
#pragma once

#include <espalier/metrics/accuracy.hpp>
#include <espalier/metrics/metric.hpp>
#include <espalier/metrics/per_task.hpp>
#include <espalier/metrics/regression.hpp>
