// SPDX-License-Identifier: MIT
// Of mtl/, made once in compiled mode. Included by mtl.hpp, where these are declarations, and by compiled/mtl.cpp.

namespace espalier::inline ESPALIER_ABI {

ESPALIER_INSTANTIATE class Named<Variable<float>>;
ESPALIER_INSTANTIATE class Named<nn::Layer<float>>;
ESPALIER_INSTANTIATE class Named<mtl::DerivedOutput<float>>;
ESPALIER_INSTANTIATE class Named<mtl::TaskLoss<float>>;
ESPALIER_INSTANTIATE class nn::AnyLayer<float, mtl::Features<float>>;
ESPALIER_INSTANTIATE class nn::Module<mtl::detail::BelowHeads<float>, float>;
ESPALIER_INSTANTIATE class nn::Module<mtl::MultiTaskNet<float>, float>;

}  // namespace espalier::inline ESPALIER_ABI

namespace espalier::inline ESPALIER_ABI::mtl {

ESPALIER_INSTANTIATE class HardSharing<float>;
ESPALIER_INSTANTIATE class FromStages<float>;
ESPALIER_INSTANTIATE class Separate<float>;
ESPALIER_INSTANTIATE class CrossStitch<float>;
ESPALIER_INSTANTIATE class NDDR<float>;
ESPALIER_INSTANTIATE class MMoE<float>;
ESPALIER_INSTANTIATE class MTAN<float>;
ESPALIER_INSTANTIATE class LTB<float>;
ESPALIER_INSTANTIATE class TaskTree<float>;
ESPALIER_INSTANTIATE class DSelectK<float>;
ESPALIER_INSTANTIATE class NoisyTopK<float>;
ESPALIER_INSTANTIATE class PLE<float>;
ESPALIER_INSTANTIATE class Sluice<float>;
ESPALIER_INSTANTIATE class SoftSharing<float>;
ESPALIER_INSTANTIATE class AITM<float>;
ESPALIER_INSTANTIATE class RelatedTowers<float>;
ESPALIER_INSTANTIATE class PADNet<float>;
ESPALIER_INSTANTIATE class OnTrunk<float>;
ESPALIER_INSTANTIATE Variable<float> chain_penalty(const Named<Variable<float>>&, const std::vector<std::string>&, double);
ESPALIER_INSTANTIATE class TaskConditioned<float>;
ESPALIER_INSTANTIATE class LowRankAdapters<float>;
ESPALIER_INSTANTIATE class GateNU<float>;
ESPALIER_INSTANTIATE class PEPNet<float>;
ESPALIER_INSTANTIATE class STEM<float>;
ESPALIER_INSTANTIATE class FeatureGate<float>;
ESPALIER_INSTANTIATE class HoME<float>;
ESPALIER_INSTANTIATE class FactorisedLinear<float>;
ESPALIER_INSTANTIATE class PreferenceFiLM<float>;
ESPALIER_INSTANTIATE Tensor<float> with_preference(const Tensor<float>&, std::span<const double>);
ESPALIER_INSTANTIATE Tensor<float> with_preference(const Tensor<float>&, const Tensor<double>&);

ESPALIER_INSTANTIATE class detail::BelowHeads<float>;
ESPALIER_INSTANTIATE class MultiTaskNet<float>;
ESPALIER_INSTANTIATE class MultiTaskLossValue<float>;
ESPALIER_INSTANTIATE class MultiTaskLoss<float>;

// What rules see and have, and those that are of a scalar.
ESPALIER_INSTANTIATE class detail::RuleBalancer<float>;
ESPALIER_INSTANTIATE class Losses<float>;
ESPALIER_INSTANTIATE class Jacobian<float>;
ESPALIER_INSTANTIATE class RuleVisitor<float>;
ESPALIER_INSTANTIATE Variable<float> scalarize(const char*, std::span<const Variable<float>>, double, Weights);
ESPALIER_INSTANTIATE Variable<float> scalarize(const char*, const Losses<float>&, double, Weights);
ESPALIER_INSTANTIATE Variable<float> weighted(const Losses<float>&, std::span<const double>);
ESPALIER_INSTANTIATE Matrix gramian_of(const Tensor<float>&);
ESPALIER_INSTANTIATE Tensor<float> combine(const Tensor<float>&, std::span<const double>);
ESPALIER_INSTANTIATE class UncertaintyWeighting<float>;
ESPALIER_INSTANTIATE class IMTLL<float>;
ESPALIER_INSTANTIATE class MoCo<float>;
ESPALIER_INSTANTIATE class DBMTL<float>;
ESPALIER_INSTANTIATE class AdaTask<float>;
ESPALIER_INSTANTIATE class SAMGS<float>;
ESPALIER_INSTANTIATE class ExcessMTL<float>;

}  // namespace espalier::inline ESPALIER_ABI::mtl
