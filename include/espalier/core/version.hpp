// SPDX-License-Identifier: MIT
/// @file The one place that states the version; CMake and pkg-config read it from here.
#pragma once

#define ESPALIER_VERSION_MAJOR 0
#define ESPALIER_VERSION_MINOR 1
#define ESPALIER_VERSION_PATCH 0
#define ESPALIER_VERSION "0.1.0"
