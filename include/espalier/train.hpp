// SPDX-License-Identifier: MIT
/// @file Everything in train/ but for what needs nlohmann_json, `train/baselines.hpp`.
#pragma once

#include <espalier/train/early_stopping.hpp>
