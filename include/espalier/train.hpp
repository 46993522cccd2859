// SPDX-License-Identifier: MIT
/// @file Everything in train/.
#pragma once

#include <espalier/train/early_stopping.hpp>
