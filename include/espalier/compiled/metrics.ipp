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
ESPALIER_INSTANTIATE class detail::ListMean<float, detail::RetrievalRecallOf>;
ESPALIER_INSTANTIATE class RetrievalRecall<float>;
ESPALIER_INSTANTIATE class detail::ListMean<float, detail::RetrievalPrecisionOf>;
ESPALIER_INSTANTIATE class RetrievalPrecision<float>;
ESPALIER_INSTANTIATE class detail::ListMean<float, detail::RetrievalHitRateOf>;
ESPALIER_INSTANTIATE class RetrievalHitRate<float>;
ESPALIER_INSTANTIATE class detail::ListMean<float, detail::RetrievalMRROf>;
ESPALIER_INSTANTIATE class RetrievalMRR<float>;
ESPALIER_INSTANTIATE class detail::ListMean<float, detail::RetrievalMAPOf>;
ESPALIER_INSTANTIATE class RetrievalMAP<float>;
ESPALIER_INSTANTIATE class detail::ListMean<float, detail::NormalizedDCGOf>;
ESPALIER_INSTANTIATE class RetrievalNormalizedDCG<float>;
ESPALIER_INSTANTIATE class detail::ListMean<float, detail::GroupArea>;
ESPALIER_INSTANTIATE class GAUC<float>;
ESPALIER_INSTANTIATE class detail::ListMean<float, detail::LabelRankingPrecision>;
ESPALIER_INSTANTIATE class MultilabelRankingAveragePrecision<float>;
ESPALIER_INSTANTIATE class detail::ListMean<float, detail::LabelRankingLoss>;
ESPALIER_INSTANTIATE class MultilabelRankingLoss<float>;
ESPALIER_INSTANTIATE class detail::ListMean<float, detail::Coverage>;
ESPALIER_INSTANTIATE class MultilabelCoverageError<float>;
ESPALIER_INSTANTIATE class detail::MultilabelRatio<float, detail::PrecisionOf>;
ESPALIER_INSTANTIATE class MultilabelPrecision<float>;
ESPALIER_INSTANTIATE class detail::MultilabelRatio<float, detail::RecallOf>;
ESPALIER_INSTANTIATE class MultilabelRecall<float>;
ESPALIER_INSTANTIATE class detail::MultilabelRatio<float, detail::F1ScoreOf>;
ESPALIER_INSTANTIATE class MultilabelF1Score<float>;
ESPALIER_INSTANTIATE class HammingLoss<float>;
ESPALIER_INSTANTIATE class ExactMatch<float>;
ESPALIER_INSTANTIATE class MultilabelAveragePrecision<float>;
ESPALIER_INSTANTIATE class BinaryAveragePrecision<float>;
ESPALIER_INSTANTIATE class BinaryLogLoss<float>;
ESPALIER_INSTANTIATE class LogLoss<float>;
ESPALIER_INSTANTIATE class BinaryCalibrationError<float>;
ESPALIER_INSTANTIATE class CalibrationError<float>;
ESPALIER_INSTANTIATE class Metric<float>;
ESPALIER_INSTANTIATE class PerTask<float>;

}  // namespace espalier::inline ESPALIER_ABI::metrics
