// SPDX-License-Identifier: MIT
/// @file Everything in optim/.
#pragma once

#include <espalier/optim/adagrad.hpp>
#include <espalier/optim/adam.hpp>
#include <espalier/optim/clip.hpp>
#include <espalier/optim/distinct.hpp>
#include <espalier/optim/layout.hpp>
#include <espalier/optim/learning_rates.hpp>
#include <espalier/optim/optimizer.hpp>
#include <espalier/optim/parameter_group.hpp>
#include <espalier/optim/parameter_groups.hpp>
#include <espalier/optim/schedule.hpp>
#include <espalier/optim/sgd.hpp>

#if defined(ESPALIER_COMPILED)
#define ESPALIER_INSTANTIATE extern template
#include <espalier/compiled/optim.ipp>
#undef ESPALIER_INSTANTIATE
#endif
