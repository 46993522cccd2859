// SPDX-License-Identifier: MIT
// Of losses/, made once in compiled mode. Included by losses.hpp, where these are declarations, and by compiled/losses.cpp.

namespace espalier::inline ESPALIER_ABI {

ESPALIER_INSTANTIATE class losses::Target<float>;
ESPALIER_INSTANTIATE class Named<losses::Target<float>>;

}  // namespace espalier::inline ESPALIER_ABI

namespace espalier::inline ESPALIER_ABI::losses {

ESPALIER_INSTANTIATE class detail::ElementWeights<float>;
ESPALIER_INSTANTIATE class MSE<float>;
ESPALIER_INSTANTIATE class L1<float>;
ESPALIER_INSTANTIATE class Huber<float>;
ESPALIER_INSTANTIATE class CrossEntropy<float>;
ESPALIER_INSTANTIATE class CTC<float>;
ESPALIER_INSTANTIATE class BCEWithLogits<float>;
ESPALIER_INSTANTIATE class GaussianFocal<float>;
ESPALIER_INSTANTIATE class SigmoidFocal<float>;
ESPALIER_INSTANTIATE class FocalCrossEntropy<float>;
ESPALIER_INSTANTIATE class Tversky<float>;
ESPALIER_INSTANTIATE class Dice<float>;
ESPALIER_INSTANTIATE class LovaszSoftmax<float>;
ESPALIER_INSTANTIATE class LovaszHinge<float>;
ESPALIER_INSTANTIATE class GeneralizedBoxIou<float>;
ESPALIER_INSTANTIATE class DistanceBoxIou<float>;
ESPALIER_INSTANTIATE class CompleteBoxIou<float>;
ESPALIER_INSTANTIATE class ScaleInvariant<float>;
ESPALIER_INSTANTIATE class Cosine<float>;
ESPALIER_INSTANTIATE class BPR<float>;
ESPALIER_INSTANTIATE class ListNet<float>;
ESPALIER_INSTANTIATE class WeightedSum<float>;

ESPALIER_INSTANTIATE Variable<float> mse_loss(const Variable<float>&, const Target<float>&, const LossOptions&);
ESPALIER_INSTANTIATE Variable<float> mse_loss(const Tensor<float>&, const Target<float>&, const LossOptions&);
ESPALIER_INSTANTIATE Variable<float> l1_loss(const Variable<float>&, const Target<float>&, const LossOptions&);
ESPALIER_INSTANTIATE Variable<float> l1_loss(const Tensor<float>&, const Target<float>&, const LossOptions&);
ESPALIER_INSTANTIATE Variable<float> huber_loss(const Variable<float>&, const Target<float>&, const HuberOptions&);
ESPALIER_INSTANTIATE Variable<float> huber_loss(const Tensor<float>&, const Target<float>&, const HuberOptions&);
ESPALIER_INSTANTIATE Variable<float> cross_entropy(const Variable<float>&, const Target<float>&, const CrossEntropyOptions<float>&);
ESPALIER_INSTANTIATE Variable<float> cross_entropy(const Tensor<float>&, const Target<float>&, const CrossEntropyOptions<float>&);
ESPALIER_INSTANTIATE Variable<float> ctc_loss(const Variable<float>&, const Target<float>&, const CTCLengths&, const CTCOptions&);
ESPALIER_INSTANTIATE Variable<float> ctc_loss(const Tensor<float>&, const Target<float>&, const CTCLengths&, const CTCOptions&);
ESPALIER_INSTANTIATE std::vector<std::vector<Index>> ctc_greedy_decode(const Tensor<float>&, const std::optional<Tensor<Index>>&, Index);
ESPALIER_INSTANTIATE Variable<float> binary_cross_entropy_with_logits(const Variable<float>&, const Target<float>&,
                                                                      const BCEWithLogitsOptions<float>&);
ESPALIER_INSTANTIATE Variable<float> binary_cross_entropy_with_logits(const Tensor<float>&, const Target<float>&,
                                                                      const BCEWithLogitsOptions<float>&);
ESPALIER_INSTANTIATE Variable<float> gaussian_focal_loss(const Variable<float>&, const Target<float>&, const GaussianFocalOptions&);
ESPALIER_INSTANTIATE Variable<float> gaussian_focal_loss(const Tensor<float>&, const Target<float>&, const GaussianFocalOptions&);
ESPALIER_INSTANTIATE Variable<float> sigmoid_focal_loss(const Variable<float>&, const Target<float>&, const SigmoidFocalOptions&);
ESPALIER_INSTANTIATE Variable<float> sigmoid_focal_loss(const Tensor<float>&, const Target<float>&, const SigmoidFocalOptions&);
ESPALIER_INSTANTIATE Variable<float> focal_cross_entropy(const Variable<float>&, const Target<float>&,
                                                         const FocalCrossEntropyOptions<float>&);
ESPALIER_INSTANTIATE Variable<float> focal_cross_entropy(const Tensor<float>&, const Target<float>&,
                                                         const FocalCrossEntropyOptions<float>&);
ESPALIER_INSTANTIATE Variable<float> tversky_loss(const Variable<float>&, const Target<float>&, const TverskyOptions&);
ESPALIER_INSTANTIATE Variable<float> tversky_loss(const Tensor<float>&, const Target<float>&, const TverskyOptions&);
ESPALIER_INSTANTIATE Variable<float> dice_loss(const Variable<float>&, const Target<float>&, const DiceOptions&);
ESPALIER_INSTANTIATE Variable<float> dice_loss(const Tensor<float>&, const Target<float>&, const DiceOptions&);
ESPALIER_INSTANTIATE Variable<float> lovasz_softmax_loss(const Variable<float>&, const Target<float>&, const LovaszSoftmaxOptions&);
ESPALIER_INSTANTIATE Variable<float> lovasz_softmax_loss(const Tensor<float>&, const Target<float>&, const LovaszSoftmaxOptions&);
ESPALIER_INSTANTIATE Variable<float> lovasz_hinge_loss(const Variable<float>&, const Target<float>&, const LovaszHingeOptions&);
ESPALIER_INSTANTIATE Variable<float> lovasz_hinge_loss(const Tensor<float>&, const Target<float>&, const LovaszHingeOptions&);
ESPALIER_INSTANTIATE Variable<float> generalized_box_iou_loss(const Tensor<float>&, const Target<float>&, const LossOptions&);
ESPALIER_INSTANTIATE Variable<float> generalized_box_iou_loss(const Variable<float>&, const Target<float>&, const LossOptions&);
ESPALIER_INSTANTIATE Variable<float> distance_box_iou_loss(const Tensor<float>&, const Target<float>&, const LossOptions&);
ESPALIER_INSTANTIATE Variable<float> distance_box_iou_loss(const Variable<float>&, const Target<float>&, const LossOptions&);
ESPALIER_INSTANTIATE Variable<float> complete_box_iou_loss(const Tensor<float>&, const Target<float>&, const CompleteBoxIouOptions&);
ESPALIER_INSTANTIATE Variable<float> complete_box_iou_loss(const Variable<float>&, const Target<float>&, const CompleteBoxIouOptions&);
ESPALIER_INSTANTIATE Variable<float> scale_invariant_loss(const Variable<float>&, const Target<float>&, const ScaleInvariantOptions&);
ESPALIER_INSTANTIATE Variable<float> scale_invariant_loss(const Tensor<float>&, const Target<float>&, const ScaleInvariantOptions&);
ESPALIER_INSTANTIATE Variable<float> cosine_loss(const Variable<float>&, const Target<float>&, const LossOptions&);
ESPALIER_INSTANTIATE Variable<float> cosine_loss(const Tensor<float>&, const Target<float>&, const LossOptions&);
ESPALIER_INSTANTIATE Variable<float> bpr_loss(const Variable<float>&, const Target<float>&, const LossOptions&);
ESPALIER_INSTANTIATE Variable<float> bpr_loss(const Tensor<float>&, const Target<float>&, const LossOptions&);
ESPALIER_INSTANTIATE Variable<float> list_net_loss(const Variable<float>&, const Target<float>&, const LossOptions&);
ESPALIER_INSTANTIATE Variable<float> list_net_loss(const Tensor<float>&, const Target<float>&, const LossOptions&);
ESPALIER_INSTANTIATE Variable<float> sampled_softmax_loss(const Variable<float>&, const Target<float>&, const Tensor<float>&,
                                                          const LossOptions&);
ESPALIER_INSTANTIATE Variable<float> mean_over_labelled(const Variable<float>&, const Target<float>&);
ESPALIER_INSTANTIATE Variable<float> inverse_propensity(const Variable<float>&, const Target<float>&, const Tensor<float>&,
                                                        const PropensityOptions&);
ESPALIER_INSTANTIATE Variable<float> doubly_robust(const Variable<float>&, const Variable<float>&, const Target<float>&,
                                                   const Tensor<float>&, const PropensityOptions&);
ESPALIER_INSTANTIATE const Tensor<float>& values_like(const char*, const Shape&, const Target<float>&, const char*);
ESPALIER_INSTANTIATE const Tensor<Index>& labels_for(const char*, const char*, const Shape&, const Target<float>&);

}  // namespace espalier::inline ESPALIER_ABI::losses
