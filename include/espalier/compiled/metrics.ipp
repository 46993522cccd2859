// SPDX-License-Identifier: MIT
// Of metrics/, made once in compiled mode. Included by metrics.hpp, where these are declarations, and by compiled/metrics.cpp.

namespace espalier::inline ESPALIER_ABI::metrics {

ESPALIER_INSTANTIATE class Accuracy<float>;
ESPALIER_INSTANTIATE class AUROC<float>;
ESPALIER_INSTANTIATE class ConfusionMatrix<float>;
ESPALIER_INSTANTIATE class MAE<float>;
ESPALIER_INSTANTIATE class RMSE<float>;
ESPALIER_INSTANTIATE class detail::ClassRatio<float, detail::PrecisionOf>;
ESPALIER_INSTANTIATE class Precision<float>;
ESPALIER_INSTANTIATE class detail::ClassRatio<float, detail::RecallOf>;
ESPALIER_INSTANTIATE class Recall<float>;
ESPALIER_INSTANTIATE class detail::ClassRatio<float, detail::F1ScoreOf>;
ESPALIER_INSTANTIATE class F1Score<float>;
ESPALIER_INSTANTIATE class detail::BinaryRatio<float, detail::BinaryAccuracyOf>;
ESPALIER_INSTANTIATE class BinaryAccuracy<float>;
ESPALIER_INSTANTIATE class detail::BinaryRatio<float, detail::BinaryPrecisionOf>;
ESPALIER_INSTANTIATE class BinaryPrecision<float>;
ESPALIER_INSTANTIATE class detail::BinaryRatio<float, detail::BinaryRecallOf>;
ESPALIER_INSTANTIATE class BinaryRecall<float>;
ESPALIER_INSTANTIATE class detail::BinaryRatio<float, detail::BinaryF1ScoreOf>;
ESPALIER_INSTANTIATE class BinaryF1Score<float>;
ESPALIER_INSTANTIATE class MeanIoU<float>;
ESPALIER_INSTANTIATE class BoundaryF<float>;
ESPALIER_INSTANTIATE class AbsRel<float>;
ESPALIER_INSTANTIATE class WithinFactor<float>;
ESPALIER_INSTANTIATE class MeanAngle<float>;
ESPALIER_INSTANTIATE class PanopticQuality<float>;
ESPALIER_INSTANTIATE class Metric<float>;
ESPALIER_INSTANTIATE class PerTask<float>;

}  // namespace espalier::inline ESPALIER_ABI::metrics
