// SPDX-License-Identifier: MIT
/// @file The whole library but for files: `espalier/io.hpp` needs nlohmann_json, zlib for `.gz`, libpng and libjpeg for images;
/// this needs Eigen alone.
#pragma once

#include <espalier/autograd.hpp>
#include <espalier/core.hpp>
#include <espalier/data.hpp>
#include <espalier/losses.hpp>
#include <espalier/metrics.hpp>
#include <espalier/mtl.hpp>
#include <espalier/nn.hpp>
#include <espalier/optim.hpp>
#include <espalier/tensor.hpp>
#include <espalier/train.hpp>
