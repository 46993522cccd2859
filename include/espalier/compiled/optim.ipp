// SPDX-License-Identifier: MIT
// Of optim/, made once in compiled mode. Included by optim.hpp, where these are declarations, and by compiled/optim.cpp.

namespace espalier::inline ESPALIER_ABI::optim {

ESPALIER_INSTANTIATE PoolVector<std::size_t> detail::first_positions(std::span<const Variable<float>>);
ESPALIER_INSTANTIATE PoolVector<bool> detail::movable(std::span<const Variable<float>>);
ESPALIER_INSTANTIATE void detail::lay_out(std::span<const Variable<float>>);
ESPALIER_INSTANTIATE struct detail::Rates<float>;
ESPALIER_INSTANTIATE class detail::RatesOwner<float>;
ESPALIER_INSTANTIATE class Optimizer<float>;
ESPALIER_INSTANTIATE class SGD<float>;
ESPALIER_INSTANTIATE class Adagrad<float>;
ESPALIER_INSTANTIATE class detail::AdamBase<float, AdamOptions, false>;
ESPALIER_INSTANTIATE class Adam<float>;
ESPALIER_INSTANTIATE class detail::AdamBase<float, AdamWOptions, true>;
ESPALIER_INSTANTIATE class AdamW<float>;
ESPALIER_INSTANTIATE class Scheduler<float>;
ESPALIER_INSTANTIATE double clip_grad_norm(const std::vector<Variable<float>>&, double);
ESPALIER_INSTANTIATE void clip_grad_value(const std::vector<Variable<float>>&, double);

}  // namespace espalier::inline ESPALIER_ABI::optim
