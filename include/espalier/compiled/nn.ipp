// SPDX-License-Identifier: MIT
// Of nn/, made once in compiled mode. Included by nn.hpp, where these are declarations, and by compiled/nn.cpp.

namespace espalier::inline ESPALIER_ABI::nn {

ESPALIER_INSTANTIATE class Parameter<float>;
ESPALIER_INSTANTIATE class Visitor<float>;
ESPALIER_INSTANTIATE struct detail::CollectTensors<float>;
ESPALIER_INSTANTIATE struct detail::CollectModes<float>;
ESPALIER_INSTANTIATE struct detail::CollectNodes<float>;
ESPALIER_INSTANTIATE class detail::CollectTrained<float>;
ESPALIER_INSTANTIATE class Module<Layer<float>, float>;
ESPALIER_INSTANTIATE class AnyLayer<float, Variable<float>>;
ESPALIER_INSTANTIATE class AnyLayer<float, Variable<float>, data::Inputs<float>>;
ESPALIER_INSTANTIATE class Module<Sequential<float>, float>;
ESPALIER_INSTANTIATE class Sequential<float>;

ESPALIER_INSTANTIATE class Module<Concatenated<float>, float>;
ESPALIER_INSTANTIATE class Concatenated<float>;

ESPALIER_INSTANTIATE class Module<Linear<float>, float>;
ESPALIER_INSTANTIATE class Linear<float>;
ESPALIER_INSTANTIATE class Module<Conv2d<float>, float>;
ESPALIER_INSTANTIATE class Conv2d<float>;
ESPALIER_INSTANTIATE class Module<Conv1d<float>, float>;
ESPALIER_INSTANTIATE class Conv1d<float>;
ESPALIER_INSTANTIATE class Module<ConvTranspose2d<float>, float>;
ESPALIER_INSTANTIATE class ConvTranspose2d<float>;
ESPALIER_INSTANTIATE class Module<BatchNorm<float>, float>;
ESPALIER_INSTANTIATE class BatchNorm<float>;
ESPALIER_INSTANTIATE class Module<LayerNorm<float>, float>;
ESPALIER_INSTANTIATE class LayerNorm<float>;
ESPALIER_INSTANTIATE class Module<GroupNorm<float>, float>;
ESPALIER_INSTANTIATE class GroupNorm<float>;
ESPALIER_INSTANTIATE class Module<InstanceNorm2d<float>, float>;
ESPALIER_INSTANTIATE class InstanceNorm2d<float>;
ESPALIER_INSTANTIATE class Module<MultiheadAttention<float>, float>;
ESPALIER_INSTANTIATE class MultiheadAttention<float>;
ESPALIER_INSTANTIATE class Module<TransformerEncoderLayer<float>, float>;
ESPALIER_INSTANTIATE class TransformerEncoderLayer<float>;
ESPALIER_INSTANTIATE class Module<TransformerDecoderLayer<float>, float>;
ESPALIER_INSTANTIATE class TransformerDecoderLayer<float>;
ESPALIER_INSTANTIATE class Module<TransformerEncoder<float>, float>;
ESPALIER_INSTANTIATE class TransformerEncoder<float>;
ESPALIER_INSTANTIATE class Module<TransformerDecoder<float>, float>;
ESPALIER_INSTANTIATE class TransformerDecoder<float>;
ESPALIER_INSTANTIATE class Module<AttentionPool<float>, float>;
ESPALIER_INSTANTIATE class AttentionPool<float>;
ESPALIER_INSTANTIATE class Module<LearnedPositions<float>, float>;
ESPALIER_INSTANTIATE class LearnedPositions<float>;
ESPALIER_INSTANTIATE class detail::RecurrentStack<float>;
ESPALIER_INSTANTIATE class Module<GRU<float>, float>;
ESPALIER_INSTANTIATE class GRU<float>;
ESPALIER_INSTANTIATE class Module<LSTM<float>, float>;
ESPALIER_INSTANTIATE class LSTM<float>;
ESPALIER_INSTANTIATE class Module<RMSNorm<float>, float>;
ESPALIER_INSTANTIATE class RMSNorm<float>;
ESPALIER_INSTANTIATE class Module<SqueezeExcitation<float>, float>;
ESPALIER_INSTANTIATE class SqueezeExcitation<float>;
ESPALIER_INSTANTIATE class Module<Embedding<float>, float>;
ESPALIER_INSTANTIATE class Embedding<float>;
ESPALIER_INSTANTIATE class EmbeddingBag<float>;
ESPALIER_INSTANTIATE class Module<CrossNetwork<float>, float>;
ESPALIER_INSTANTIATE class CrossNetwork<float>;
ESPALIER_INSTANTIATE class Module<TargetAttention<float>, float>;
ESPALIER_INSTANTIATE class TargetAttention<float>;
ESPALIER_INSTANTIATE class Module<Standardize<float>, float>;
ESPALIER_INSTANTIATE class Standardize<float>;
ESPALIER_INSTANTIATE class detail::TableNumbers<float>;
ESPALIER_INSTANTIATE class detail::TableCategories<float>;
ESPALIER_INSTANTIATE class Module<Table<float>, float>;
ESPALIER_INSTANTIATE class Table<float>;

ESPALIER_INSTANTIATE void init::uniform(Tensor<float>&, Random&, double, double);
ESPALIER_INSTANTIATE void init::normal(Tensor<float>&, Random&, double, double);
ESPALIER_INSTANTIATE void init::kaiming_uniform(Tensor<float>&, Random&, double);
ESPALIER_INSTANTIATE void init::kaiming_normal(Tensor<float>&, Random&, double);
ESPALIER_INSTANTIATE void init::xavier_uniform(Tensor<float>&, Random&, double);
ESPALIER_INSTANTIATE void init::xavier_normal(Tensor<float>&, Random&, double);
ESPALIER_INSTANTIATE void init::default_affine(Tensor<float>&, Tensor<float>&, Random);

}  // namespace espalier::inline ESPALIER_ABI::nn
