// SPDX-License-Identifier: MIT
/// @file Everything in tensor/.
#pragma once

#include <espalier/tensor/eigen.hpp>
#include <espalier/tensor/print.hpp>
#include <espalier/tensor/segments.hpp>
#include <espalier/tensor/shape.hpp>
#include <espalier/tensor/tensor.hpp>

#if defined(ESPALIER_COMPILED)
#define ESPALIER_INSTANTIATE extern template
#include <espalier/compiled/tensor.ipp>
#undef ESPALIER_INSTANTIATE
#endif
