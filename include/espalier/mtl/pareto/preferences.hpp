// SPDX-License-Identifier: MIT
/// @file Preferences as data: drawn for each step, and shown to a network beside its input.
#pragma once

#include <espalier/autograd/reshape.hpp>
#include <espalier/core/finite.hpp>
#include <espalier/core/random.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/kernels/elementwise.hpp>
#include <espalier/tensor/tensor.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::mtl {
namespace detail {

/// @throws ValueError unless all numbers are finite, none is below 0 and one above
inline void require_preference(const char* operation, std::span<const double> preference) {
    for (const double number : preference)
        require<ValueError>(number >= 0 && is_finite(number), operation, "expected finite preferences of at least 0, got ", number);
    require<ValueError>(std::any_of(preference.begin(), preference.end(), [](double number) { return number > 0; }), operation,
                        "expected a preference above 0, got none");
}

/// `row(i)` are the T preferences of sample i.
template <class Scalar, class Row>
[[nodiscard]] Tensor<Scalar> beside_preferences(const Tensor<Scalar>& inputs, Index tasks, const Row& row) {
    const Index last = inputs.rank() - 1, channels = inputs.size(last), places = inputs.shape().product(1, last);
    auto result = Tensor<Scalar>::empty(inputs.shape().with(last, channels + tasks));
    parallel_for(inputs.size(0), kernels::row_grain(places * (channels + tasks)), [&](Index first, Index end) {
        const Scalar* from = inputs.data() + first * places * channels;
        Scalar* to = result.data() + first * places * (channels + tasks);
        for (Index sample = first; sample < end; ++sample)
            for (Index place = 0; place < places; ++place, from += channels) {
                to = std::copy_n(from, channels, to);
                to = std::transform(row(sample), row(sample) + tasks, to, [](double number) { return static_cast<Scalar>(number); });
            }
    });
    return result;
}

/// What `with_preference` has joined: the input (N, ..., C), and the preference (N, T) at the first place of each sample.
template <class Scalar>
[[nodiscard]] std::pair<Variable<Scalar>, Variable<Scalar>> split_preference(const char* operation, const Variable<Scalar>& joined,
                                                                             Index tasks) {
    require<ShapeError>(joined.rank() > 1 && joined.size(-1) > tasks, operation, "expected an input (N, ..., C) with a preference of ",
                        tasks, " tasks behind its channels, got shape ", joined.shape());
    const Index channels = joined.size(-1) - tasks;
    return {autograd::narrow(joined, -1, 0, channels), autograd::narrow(autograd::flatten(joined), 1, channels, tasks)};
}

}  // namespace detail

/// A preference from the Dirichlet distribution: numbers of at least 0 with the sum 1, one for each concentration. The larger these,
/// the nearer they are drawn to each other. @throws ValueError without a concentration, or for one below 0.01 or not finite
[[nodiscard]] inline std::vector<double> draw_preference(Random& random, std::span<const double> concentrations) {
    require<ValueError>(!concentrations.empty(), "draw_preference", "expected at least one concentration, got none");
    for (const double concentration : concentrations)
        require<ValueError>(concentration >= 0.01 && is_finite(concentration), "draw_preference",
                            "expected finite concentrations of at least 0.01, got ", concentration);
    std::vector<double> result(concentrations.size());
    for (double sum = 0; !(sum > 0);) {  // of small concentrations all draws may be too small for any number but 0
        sum = 0;
        for (std::size_t i = 0; i < result.size(); ++i)
            sum += result[i] = random.gamma(concentrations[i]);
        for (double& number : result)
            number = sum > 0 ? number / sum : 0;
    }
    return result;
}

/// Shows a network a preference of T tasks: inputs (N, ..., C) get T channels more, (N, ..., C + T), which are the same at every place. A
/// table gets T columns. How COSMOS conditions a network (Ruchte and Grabocka, "Scalable Pareto front approximation for deep
/// multi-objective learning", ICDM 2021, arXiv:2103.12392), whose first layer is to have T inputs more; their program enlarges the
/// preference to an image by two transposed convolutions of its own. @throws ShapeError for inputs (N,), or an empty preference;
/// ValueError unless all numbers are finite, none is below 0 and one above
template <class Scalar>
[[nodiscard]] Tensor<Scalar> with_preference(const Tensor<Scalar>& inputs, std::span<const double> preference) {
    require<ShapeError>(inputs.rank() > 1 && !preference.empty(), "with_preference", "expected inputs (N, ..., C) and a preference, got ",
                        inputs.shape(), " and ", preference.size(), " numbers");
    detail::require_preference("with_preference", preference);
    return detail::beside_preferences(inputs, static_cast<Index>(preference.size()), [&](Index) { return preference.data(); });
}
/// The same with a preference for each sample, (N, T). @throws as above, and ShapeError for another number of them than samples
template <class Scalar>
[[nodiscard]] Tensor<Scalar> with_preference(const Tensor<Scalar>& inputs, const Tensor<double>& preferences) {
    require<ShapeError>(inputs.rank() > 1 && preferences.rank() == 2 && preferences.size(0) == inputs.size(0) && preferences.size(1) > 0,
                        "with_preference", "expected inputs (N, ..., C) and preferences (N, T), got ", inputs.shape(), " and ",
                        preferences.shape());
    const Index tasks = preferences.size(1);
    const auto row = [&](Index sample) { return preferences.data() + sample * tasks; };
    for (Index sample = 0; sample < inputs.size(0); ++sample)
        detail::require_preference("with_preference", {row(sample), static_cast<std::size_t>(tasks)});
    return detail::beside_preferences(inputs, tasks, row);
}

}  // namespace espalier::inline ESPALIER_ABI::mtl
