// SPDX-License-Identifier: MIT
// Of data/, made once in compiled mode. Included by data.hpp, where these are declarations, and by compiled/data.cpp.

namespace espalier::inline ESPALIER_ABI {

ESPALIER_INSTANTIATE class Named<data::Input<float>>;

}  // namespace espalier::inline ESPALIER_ABI

namespace espalier::inline ESPALIER_ABI::data {

ESPALIER_INSTANTIATE class Input<float>;
ESPALIER_INSTANTIATE const Input<float>& input_of(const Inputs<float>&, std::string_view);
ESPALIER_INSTANTIATE const Tensor<float>& values_of(const Inputs<float>&, std::string_view);
ESPALIER_INSTANTIATE const Tensor<Index>& indices_of(const Inputs<float>&, std::string_view);
ESPALIER_INSTANTIATE const Sequences& sequences_of(const Inputs<float>&, std::string_view);
ESPALIER_INSTANTIATE Index size_of(const Inputs<float>&);
ESPALIER_INSTANTIATE class Dataset<float>;
ESPALIER_INSTANTIATE class Transform<float>;
ESPALIER_INSTANTIATE class detail::Prefetcher<Batch<float>>;
ESPALIER_INSTANTIATE class BatchIterator<float>;
ESPALIER_INSTANTIATE class DataLoader<float>;
ESPALIER_INSTANTIATE class detail::StreamedEpoch<float>;
ESPALIER_INSTANTIATE class StreamLoader<float>;
ESPALIER_INSTANTIATE Tensor<float> one_hot(const Tensor<Index>&, Index);
ESPALIER_INSTANTIATE std::vector<Dataset<float>> split(const Dataset<float>&, const std::vector<double>&, std::uint64_t);
ESPALIER_INSTANTIATE std::vector<Dataset<float>> split_sizes(const Dataset<float>&, const std::vector<Index>&, std::uint64_t);
ESPALIER_INSTANTIATE Dataset<float> detail::combine_labels(const detail::Parts<float>&);
ESPALIER_INSTANTIATE Dataset<float> combine_labels(const std::vector<Dataset<float>>&);
ESPALIER_INSTANTIATE Dataset<float> detail::combine_samples(const detail::Parts<float>&);
ESPALIER_INSTANTIATE Dataset<float> combine_samples(const std::vector<Dataset<float>>&);
ESPALIER_INSTANTIATE Transform<float> compose(std::vector<Transform<float>>);

}  // namespace espalier::inline ESPALIER_ABI::data
