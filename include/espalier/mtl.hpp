// SPDX-License-Identifier: MIT
/// @file Everything in mtl/.
#pragma once

#include <espalier/mtl/multi_task_loss.hpp>
#include <espalier/mtl/multi_task_net.hpp>

#if defined(ESPALIER_COMPILED)
#define ESPALIER_INSTANTIATE extern template
#include <espalier/compiled/mtl.ipp>
#undef ESPALIER_INSTANTIATE
#endif
