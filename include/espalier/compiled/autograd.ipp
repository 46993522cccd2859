// SPDX-License-Identifier: MIT
// Of autograd/, made once in compiled mode. Included by autograd.hpp, where these are declarations, and by compiled/autograd.cpp.

namespace espalier::inline ESPALIER_ABI::autograd {

// The tape.
ESPALIER_INSTANTIATE struct detail::Node<float>;
ESPALIER_INSTANTIATE struct detail::Slot<float>;
ESPALIER_INSTANTIATE class detail::Traversal<float>;
ESPALIER_INSTANTIATE class Gradients<float>;
ESPALIER_INSTANTIATE class Variable<float>;
ESPALIER_INSTANTIATE class TaskGradients<float>;
ESPALIER_INSTANTIATE Variable<float> detail::recorded(const char*, Tensor<float>&&, std::span<const Variable<float>>);
ESPALIER_INSTANTIATE void backward(std::span<const Variable<float>>, const BackwardOptions&);
ESPALIER_INSTANTIATE void backward(std::initializer_list<Variable<float>>, const BackwardOptions&);
ESPALIER_INSTANTIATE Tensor<float> jacobian(std::span<const Variable<float>>, std::span<const Variable<float>>, const JacobianOptions&);
ESPALIER_INSTANTIATE std::vector<Tensor<float>> vjp(const Variable<float>&, Tensor<float>, std::span<const Variable<float>>, bool);

// Arithmetic.
ESPALIER_INSTANTIATE Variable<float> operator+(const Variable<float>&, const Variable<float>&);
ESPALIER_INSTANTIATE Variable<float> operator-(const Variable<float>&, const Variable<float>&);
ESPALIER_INSTANTIATE Variable<float> operator*(const Variable<float>&, const Variable<float>&);
ESPALIER_INSTANTIATE Variable<float> operator/(const Variable<float>&, const Variable<float>&);
ESPALIER_INSTANTIATE Variable<float> operator*(const Variable<float>&, float);
ESPALIER_INSTANTIATE Variable<float> operator+(const Variable<float>&, float);
ESPALIER_INSTANTIATE Variable<float> operator*(float, const Variable<float>&);
ESPALIER_INSTANTIATE Variable<float> operator+(float, const Variable<float>&);
ESPALIER_INSTANTIATE Variable<float> operator-(const Variable<float>&);
ESPALIER_INSTANTIATE Variable<float> operator-(const Variable<float>&, float);
ESPALIER_INSTANTIATE Variable<float> operator-(float, const Variable<float>&);
ESPALIER_INSTANTIATE Variable<float> operator/(const Variable<float>&, float);
ESPALIER_INSTANTIATE Variable<float> weighted_sum(std::span<const Variable<float>>, std::span<const float>);
ESPALIER_INSTANTIATE Variable<float> logit_product(const Variable<float>&, const Variable<float>&);
ESPALIER_INSTANTIATE Variable<float> mix(std::span<const Variable<float>>, const Variable<float>&);

// Element by element.
ESPALIER_INSTANTIATE Variable<float> relu(const Variable<float>&);
ESPALIER_INSTANTIATE Variable<float> relu6(const Variable<float>&);
ESPALIER_INSTANTIATE Variable<float> leaky_relu(const Variable<float>&, float);
ESPALIER_INSTANTIATE Variable<float> sigmoid(const Variable<float>&);
ESPALIER_INSTANTIATE Variable<float> tanh(const Variable<float>&);
ESPALIER_INSTANTIATE Variable<float> gelu(const Variable<float>&);
ESPALIER_INSTANTIATE Variable<float> exp(const Variable<float>&);
ESPALIER_INSTANTIATE Variable<float> log(const Variable<float>&);
ESPALIER_INSTANTIATE Variable<float> sqrt(const Variable<float>&);
ESPALIER_INSTANTIATE Variable<float> dropout(const Variable<float>&, double, Random&);

// Over an axis.
ESPALIER_INSTANTIATE Variable<float> sum(const Variable<float>&);
ESPALIER_INSTANTIATE Variable<float> mean(const Variable<float>&);
ESPALIER_INSTANTIATE Variable<float> sum(const Variable<float>&, Index, bool);
ESPALIER_INSTANTIATE Variable<float> mean(const Variable<float>&, Index, bool);
ESPALIER_INSTANTIATE Variable<float> max(const Variable<float>&, Index, bool);
ESPALIER_INSTANTIATE Variable<float> softmax(const Variable<float>&);
ESPALIER_INSTANTIATE Variable<float> log_softmax(const Variable<float>&);
ESPALIER_INSTANTIATE Variable<float> batch_norm(const Variable<float>&, const Variable<float>&, const Variable<float>&,
                                                RunningStatistics<float>&, bool, double, double);
ESPALIER_INSTANTIATE Variable<float> batch_norm_relu(const Variable<float>&, const Variable<float>&, const Variable<float>&,
                                                     RunningStatistics<float>&, bool, double, double);
ESPALIER_INSTANTIATE Variable<float> batch_norm_add_relu(const Variable<float>&, const Variable<float>&, const Variable<float>&,
                                                         const Variable<float>&, RunningStatistics<float>&, bool, double, double);
ESPALIER_INSTANTIATE Variable<float> layer_norm(const Variable<float>&, const Variable<float>&, const Variable<float>&, double);
ESPALIER_INSTANTIATE Variable<float> group_norm(const Variable<float>&, Index, const Variable<float>&, const Variable<float>&, double);
ESPALIER_INSTANTIATE Variable<float> group_norm(const Variable<float>&, Index, double);
ESPALIER_INSTANTIATE Variable<float> scaled_dot_product_attention(const Variable<float>&, const Variable<float>&, const Variable<float>&,
                                                                  const AttentionOptions&, Random*);
ESPALIER_INSTANTIATE Variable<float> self_attention(const Variable<float>&, const AttentionOptions&, Random*);
ESPALIER_INSTANTIATE Variable<float> rms_norm(const Variable<float>&, const Variable<float>&, std::optional<double>);
ESPALIER_INSTANTIATE Variable<float> rotary_embedding(const Variable<float>&, const RotaryOptions&);
ESPALIER_INSTANTIATE Variable<float> swiglu(const Variable<float>&);
ESPALIER_INSTANTIATE Variable<float> film(const Variable<float>&, const Variable<float>&, const Variable<float>&);

// Shapes.
ESPALIER_INSTANTIATE Variable<float> reshape(const Variable<float>&, const Shape&);
ESPALIER_INSTANTIATE Variable<float> flatten(const Variable<float>&, Index);
ESPALIER_INSTANTIATE Variable<float> narrow(const Variable<float>&, Index, Index, Index);
ESPALIER_INSTANTIATE std::vector<Variable<float>> split(const Variable<float>&, std::span<const Index>, Index);
ESPALIER_INSTANTIATE Variable<float> cat(std::span<const Variable<float>>, Index);
ESPALIER_INSTANTIATE Variable<float> cat(const std::vector<Variable<float>>&, Index);
ESPALIER_INSTANTIATE Variable<float> cat(std::initializer_list<Variable<float>>, Index);

// Products and images.
ESPALIER_INSTANTIATE Variable<float> matmul(const Variable<float>&, const Variable<float>&);
ESPALIER_INSTANTIATE Variable<float> linear(const Variable<float>&, const Variable<float>&, const Variable<float>&);
ESPALIER_INSTANTIATE Variable<float> linear(const Variable<float>&, const Variable<float>&);
ESPALIER_INSTANTIATE Variable<float> linear_relu(const Variable<float>&, const Variable<float>&, const Variable<float>&);
ESPALIER_INSTANTIATE Variable<float> linear_relu(const Variable<float>&, const Variable<float>&);
ESPALIER_INSTANTIATE Variable<float> embedding(const Variable<float>&, const Tensor<Index>&, bool);
ESPALIER_INSTANTIATE Variable<float> segment_sum(const Variable<float>&, const Tensor<Index>&);
ESPALIER_INSTANTIATE Variable<float> segment_mean(const Variable<float>&, const Tensor<Index>&);
ESPALIER_INSTANTIATE Variable<float> factorization_machine(const Variable<float>&);
ESPALIER_INSTANTIATE Variable<float> gru(const Variable<float>&, const RecurrentWeights<float>&, const RecurrentOptions&,
                                         const std::optional<Variable<float>>&);
ESPALIER_INSTANTIATE GruOutput<float> gru_with_state(const Variable<float>&, const RecurrentWeights<float>&, const RecurrentOptions&,
                                                     const std::optional<Variable<float>>&);
ESPALIER_INSTANTIATE Variable<float> lstm(const Variable<float>&, const RecurrentWeights<float>&, const RecurrentOptions&,
                                          const std::optional<LstmState<float>>&);
ESPALIER_INSTANTIATE LstmOutput<float> lstm_with_state(const Variable<float>&, const RecurrentWeights<float>&, const RecurrentOptions&,
                                                       const std::optional<LstmState<float>>&);
ESPALIER_INSTANTIATE Variable<float> conv2d(const Variable<float>&, const Variable<float>&, const Variable<float>&, const Conv2dOptions&);
ESPALIER_INSTANTIATE Variable<float> conv2d(const Variable<float>&, const Variable<float>&, const Conv2dOptions&);
ESPALIER_INSTANTIATE Variable<float> conv2d_relu(const Variable<float>&, const Variable<float>&, const Variable<float>&,
                                                 const Conv2dOptions&);
ESPALIER_INSTANTIATE Variable<float> conv2d_relu(const Variable<float>&, const Variable<float>&, const Conv2dOptions&);
ESPALIER_INSTANTIATE Variable<float> conv2d_relu_max_pool2d(const Variable<float>&, const Variable<float>&, const Variable<float>&,
                                                            const Conv2dOptions&);
ESPALIER_INSTANTIATE Variable<float> conv2d_relu_max_pool2d(const Variable<float>&, const Variable<float>&, const Conv2dOptions&);
ESPALIER_INSTANTIATE Variable<float> conv1d(const Variable<float>&, const Variable<float>&, const Variable<float>&, const Conv1dOptions&,
                                            const std::optional<Tensor<Index>>&);
ESPALIER_INSTANTIATE Variable<float> conv1d(const Variable<float>&, const Variable<float>&, const Conv1dOptions&,
                                            const std::optional<Tensor<Index>>&);
ESPALIER_INSTANTIATE Variable<float> max_pool1d(const Variable<float>&, Index, const Pool1dOptions&, const std::optional<Tensor<Index>>&);
ESPALIER_INSTANTIATE Variable<float> avg_pool1d(const Variable<float>&, Index, const AvgPool1dOptions&,
                                                const std::optional<Tensor<Index>>&);
ESPALIER_INSTANTIATE Variable<float> mask_padding(const Variable<float>&, const Tensor<Index>&);
ESPALIER_INSTANTIATE Variable<float> sequence_mean(const Variable<float>&, const std::optional<Tensor<Index>>&);
ESPALIER_INSTANTIATE Variable<float> sequence_max(const Variable<float>&, const std::optional<Tensor<Index>>&);
ESPALIER_INSTANTIATE Variable<float> sequence_last(const Variable<float>&, const std::optional<Tensor<Index>>&);
ESPALIER_INSTANTIATE Variable<float> conv_transpose2d(const Variable<float>&, const Variable<float>&, const Variable<float>&,
                                                      const ConvTranspose2dOptions&);
ESPALIER_INSTANTIATE Variable<float> conv_transpose2d(const Variable<float>&, const Variable<float>&, const ConvTranspose2dOptions&);
ESPALIER_INSTANTIATE Variable<float> adaptive_avg_pool2d(const Variable<float>&, Pair);
ESPALIER_INSTANTIATE Variable<float> adaptive_max_pool2d(const Variable<float>&, Pair);
ESPALIER_INSTANTIATE Variable<float> max_pool2d(const Variable<float>&, Pair, const Pool2dOptions&);
ESPALIER_INSTANTIATE Variable<float> avg_pool2d(const Variable<float>&, Pair, const AvgPool2dOptions&);
ESPALIER_INSTANTIATE Variable<float> global_avg_pool2d(const Variable<float>&);
ESPALIER_INSTANTIATE Variable<float> pixel_shuffle(const Variable<float>&, Index);
ESPALIER_INSTANTIATE Variable<float> pixel_unshuffle(const Variable<float>&, Index);
ESPALIER_INSTANTIATE Variable<float> upsample_nearest2d(const Variable<float>&, Pair);
ESPALIER_INSTANTIATE Variable<float> upsample_bilinear2d(const Variable<float>&, Pair, bool);

}  // namespace espalier::inline ESPALIER_ABI::autograd
