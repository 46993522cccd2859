// SPDX-License-Identifier: MIT
// The vector kernels, which other units in compiled mode see the declarations of.
#define ESPALIER_KERNELS_LINKAGE
#include <espalier/kernels/simd/kernels.hpp>

namespace espalier::inline ESPALIER_ABI::kernels::simd {

template const MapKernels& kernels_of<Relu>();
template const MapKernels& kernels_of<Relu6>();
template const MapKernels& kernels_of<LeakyRelu>();
template const MapKernels& kernels_of<Sigmoid>();
template const MapKernels& kernels_of<Tanh>();
template const MapKernels& kernels_of<Gelu>();
template const MapKernels& kernels_of<Exp>();
template const MapKernels& kernels_of<Log>();
template const MapKernels& kernels_of<Sqrt>();
template const MapKernels& kernels_of<Scale>();
template const MapKernels& kernels_of<Shift>();
template const CombineKernels& kernels_of<Add>();
template const CombineKernels& kernels_of<Subtract>();
template const CombineKernels& kernels_of<Multiply>();
template const CombineKernels& kernels_of<Divide>();
template const DropoutKernels& kernels_of<Dropout>();
template const RecurrentKernels& kernels_of<Gru>();
template const RecurrentKernels& kernels_of<Lstm>();
template const RowNormKernels& kernels_of<RowNorm>();

}  // namespace espalier::inline ESPALIER_ABI::kernels::simd
