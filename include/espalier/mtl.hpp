// SPDX-License-Identifier: MIT
/// @file Everything in mtl/.
#pragma once

#include <espalier/mtl/multi_task_loss.hpp>
#include <espalier/mtl/multi_task_net.hpp>
