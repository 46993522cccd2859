// SPDX-License-Identifier: MIT
// Of mtl/, made once in compiled mode. Included by mtl.hpp, where these are declarations, and by compiled/mtl.cpp.

namespace espalier::inline ESPALIER_ABI {

ESPALIER_INSTANTIATE class Named<Variable<float>>;
ESPALIER_INSTANTIATE class Named<nn::Layer<float>>;
ESPALIER_INSTANTIATE class Named<mtl::TaskLoss<float>>;
ESPALIER_INSTANTIATE class nn::Module<mtl::MultiTaskNet<float>, float>;

}  // namespace espalier::inline ESPALIER_ABI

namespace espalier::inline ESPALIER_ABI::mtl {

ESPALIER_INSTANTIATE class MultiTaskNet<float>;
ESPALIER_INSTANTIATE class MultiTaskLossValue<float>;
ESPALIER_INSTANTIATE class MultiTaskLoss<float>;

}  // namespace espalier::inline ESPALIER_ABI::mtl
