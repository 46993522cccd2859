// SPDX-License-Identifier: MIT
/// @file A trunk whose channels are scaled and shifted as a preference says.
#pragma once

#include <espalier/autograd/arithmetic.hpp>
#include <espalier/autograd/film.hpp>
#include <espalier/mtl/pareto/preferences.hpp>
#include <espalier/nn/linear.hpp>
#include <espalier/nn/sequential.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::mtl {

/// Of a `PreferenceFiLM`.
struct PreferenceFiLMOptions {
    std::vector<std::size_t> after = {};  ///< after how many layers of the trunk channels are scaled and shifted, ascending
    std::vector<Index> channels = {};     ///< that there are at each of these places
};

/// Any trunk, conditioned on a preference r of T tasks by FiLM (Perez, Strub, de Vries, Dumoulin and Courville, "FiLM: visual reasoning
/// with a general conditioning layer", AAAI 2018, arXiv:1709.07871; for weights of losses Dosovitskiy and Djolonga, "You only train
/// once", ICLR 2020): at place k channel c goes on as (1 + A_k r)_c x_c + (B_k r)_c. A_k and B_k (C, T) begin as 0, and with them every
/// preference as the trunk alone; the latter paper has a small network in their place.
///
/// It reads what `with_preference` makes: the last T channels of an input (N, ..., C + T) are the preference, of each sample that of its
/// first place, and the trunk reads the others. Paths: `trunk.<...>`, `scales.<k>.weight` and `shifts.<k>.weight`.
template <class Scalar = float>
class PreferenceFiLM : public nn::Module<PreferenceFiLM<Scalar>, Scalar> {
public:
    /// @throws ValueError for no task, places that are not there, or not a count of channels for each
    PreferenceFiLM(nn::Sequential<Scalar> trunk, Index tasks, PreferenceFiLMOptions options)
        : trunk_{std::move(trunk)}, tasks_{tasks}, after_{std::move(options.after)} {
        require<ValueError>(tasks > 0, "PreferenceFiLM", "expected a preference of at least one task, got ", tasks);
        require<ValueError>(!after_.empty() && std::is_sorted(after_.begin(), after_.end(), std::less_equal<>{}) && after_.front() > 0 &&
                                after_.back() <= trunk_.size(),
                            "PreferenceFiLM", "expected ascending places after layers 1 to ", trunk_.size(), ", got ",
                            after_.empty() ? "none" : concat(after_.size(), " from ", after_.front(), " to ", after_.back()));
        require<ValueError>(options.channels.size() == after_.size(), "PreferenceFiLM", "expected the channels at ", after_.size(),
                            " places, got ", options.channels.size());
        for (const Index channels : options.channels)
            for (auto* const maps : {&scales_, &shifts_}) {
                nn::Linear<Scalar> map{tasks, channels, {.bias = false}};
                map.weight().mutable_value().fill(0);
                maps->push_back(std::move(map));
            }
    }

    /// @throws ShapeError for an input without channels and a preference, or other channels at a place than were told; what a layer throws
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& input) {
        const nn::detail::ForwardScope call;
        const auto split = detail::split_preference("PreferenceFiLM", input, tasks_);
        const Variable<Scalar>& preference = split.second;
        Variable<Scalar> x = split.first;
        std::size_t done = 0;
        for (std::size_t k = 0; k < after_.size(); ++k) {
            x = trunk_.run(x, std::exchange(done, after_[k]), after_[k]);
            x = nn::detail::naming_place([&] { return autograd::film(x, scales_[k](preference) + Scalar(1), shifts_[k](preference)); },
                                         [&](const ShapeError&) { return concat("the place after layer ", done); });
        }
        return trunk_.run(x, done, trunk_.size());
    }

    void visit(nn::Visitor<Scalar>& visitor) {
        visitor("trunk", trunk_);
        visitor("scales", scales_);
        visitor("shifts", shifts_);
    }

private:
    nn::Sequential<Scalar> trunk_;
    Index tasks_;
    std::vector<std::size_t> after_;
    nn::Children<nn::Linear<Scalar>> scales_;
    nn::Children<nn::Linear<Scalar>> shifts_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
