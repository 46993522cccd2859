// SPDX-License-Identifier: MIT
// Of tensor/, made once in compiled mode. Included by tensor.hpp, where these are declarations, and by compiled/tensor.cpp.

namespace espalier::inline ESPALIER_ABI {

// No integers: clang++ 14 makes all members of a class, those for floating point alone as well.
ESPALIER_INSTANTIATE class Tensor<float>;
ESPALIER_INSTANTIATE class Tensor<double>;
ESPALIER_INSTANTIATE class Named<Tensor<float>>;
ESPALIER_INSTANTIATE std::ostream& operator<<(std::ostream&, const Tensor<float>&);

}  // namespace espalier::inline ESPALIER_ABI
