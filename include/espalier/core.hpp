// SPDX-License-Identifier: MIT
/// @file Everything in core/.
#pragma once

#include <espalier/core/build_info.hpp>
#include <espalier/core/config.hpp>
#include <espalier/core/conv_algorithm.hpp>
#include <espalier/core/draw_each.hpp>
#include <espalier/core/error.hpp>
#include <espalier/core/isa.hpp>
#include <espalier/core/memory.hpp>
#include <espalier/core/moments.hpp>
#include <espalier/core/named.hpp>
#include <espalier/core/random.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/core/version.hpp>
