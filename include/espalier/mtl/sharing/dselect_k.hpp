// SPDX-License-Identifier: MIT
/// @file DSelect-k: a gate that ends with at most k experts, and is differentiable on the way there.
#pragma once

#include <espalier/autograd/activation.hpp>
#include <espalier/autograd/arithmetic.hpp>
#include <espalier/autograd/matmul.hpp>
#include <espalier/autograd/mix.hpp>
#include <espalier/autograd/reduction.hpp>
#include <espalier/autograd/reshape.hpp>
#include <espalier/autograd/softmax.hpp>
#include <espalier/core/finite.hpp>
#include <espalier/mtl/sharing.hpp>
#include <espalier/mtl/sharing/last_penalty.hpp>

#include <cmath>
#include <limits>
#include <utility>

namespace espalier::inline ESPALIER_ABI::mtl {

/// Of a `DSelectK`.
struct DSelectKOptions {
    Index k = 2;            ///< so many experts at most have a share in the end
    Index inputs = 0;       ///< features of a flat input, by which each sample chooses; 0 is one choice for all samples
    double gamma = 1;       ///< the width of the smooth step: a bit is 0 below -gamma / 2, and 1 above gamma / 2
    double entropy = 1e-6;  ///< factor of the penalty, which makes bits 0 or 1
};

/// Hazimeh, Zhao, Chowdhery, Sathiamoorthy, Chen, Mazumder, Hong and Chi, "DSelect-k: differentiable selection in the mixture of experts
/// with applications to multi-task learning" (NeurIPS 2021, arXiv:2106.03760).
///
/// A gate for `MMoE` and `PLE`. Each of k selectors has a number z_j for each bit of an expert's index, S(z_j) of which is how much the
/// bit is set: S(t) = -2 t^3 / gamma^3 + 3 t / (2 gamma) + 1/2, and 0 or 1 beyond +-gamma/2. Its choice of expert i is r_i, the product
/// over bits of S(z_j) or 1 - S(z_j), and the experts' shares are the sum over selectors of softmax(a) r. It gives their logarithms, (N,
/// experts), -inf for none, of which a gate's softmax makes these shares. z and a are the parameters `codes` (k, bits) and `weights`
/// (k,), or linear in a sample with `codes` (k bits, inputs) and `weights` (k, inputs). The penalty is the sum of the selectors'
/// entropies, the mean over the samples of the last call in training.
///
/// Where experts are no power of two, indices beyond them stand for the first ones again; the paper has a further penalty on these.
template <class Scalar = float>
class DSelectK : public nn::Module<DSelectK<Scalar>, Scalar> {
public:
    /// @throws ValueError for less than two experts, k below 1, a width that is not above 0, or a factor that is negative
    explicit DSelectK(Index experts, DSelectKOptions options = {}) : experts_{experts}, options_{options} {
        require<ValueError>(experts > 1 && options.k > 0 && options.inputs >= 0, "DSelectK",
                            "expected at least two experts, k of at least 1 and a count of inputs, got ", experts, ", ", options.k, " and ",
                            options.inputs);
        require<ValueError>(is_finite(options.gamma) && options.gamma > 0 && is_finite(options.entropy) && options.entropy >= 0, "DSelectK",
                            "expected a width above 0 and a factor of at least 0, got ", options.gamma, " and ", options.entropy);
        while (Index{1} << bits_ < experts)
            ++bits_;
        const Index k = options.k, inputs = options.inputs;
        Random random = new_random();
        const double bound = options.gamma / 100;  // in the middle of the step, where it is steep
        const auto drawn = [&](const Shape& shape) {
            return nn::Parameter<Scalar>{Tensor<Scalar>::uniform(shape, random, static_cast<Scalar>(-bound), static_cast<Scalar>(bound))};
        };
        codes_ = drawn(inputs ? Shape{k * bits_, inputs} : Shape{k, bits_});
        weights_ = drawn(inputs ? Shape{k, inputs} : Shape{k});
    }

    /// @throws ShapeError unless the input is (N, ...), or (N, inputs) where samples choose
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) {
        const bool chosen_by_samples = options_.inputs > 0;
        require<ShapeError>(x.rank() > 0, "DSelectK", "expected an input (N, ...), got ", x.shape());
        require<ShapeError>(!chosen_by_samples || x.shape() == Shape{x.size(0), options_.inputs}, "DSelectK", "expected an input (N, ",
                            options_.inputs, "), got ", x.shape());
        const auto of_input = [&](const nn::Parameter<Scalar>& parameter, Index columns) {
            return chosen_by_samples ? autograd::linear<Scalar>(x, parameter) : autograd::reshape(parameter.variable(), {1, columns});
        };
        const auto set = smooth_step(of_input(codes_, options_.k * bits_));
        Features<Scalar> choices;
        for (Index i = 0; i < options_.k; ++i)
            choices.push_back(choice(set, i));
        const auto shares = folded(autograd::mix<Scalar>(choices, autograd::softmax(of_input(weights_, options_.k))));
        if (mode_.training() && options_.entropy > 0)
            penalty_.set(entropy(choices));
        const auto scores = autograd::elementwise(
            "log", shares, [](Scalar share) { return share > 0 ? std::log(share) : -std::numeric_limits<Scalar>::infinity(); },
            [](Scalar share, Scalar) { return share > 0 ? 1 / share : Scalar(0); });  // all that shares of 0 are made of is flat there
        return chosen_by_samples ? scores : scores + Variable<Scalar>{Tensor<Scalar>{Shape{x.size(0), experts_}}};
    }

    void visit(nn::Visitor<Scalar>& visitor) {
        visitor("codes", codes_);
        visitor("weights", weights_);
        visitor.mode(mode_);
        penalty_.visit(visitor);
    }

private:
    [[nodiscard]] Variable<Scalar> smooth_step(const Variable<Scalar>& t) const {
        const auto gamma = static_cast<Scalar>(options_.gamma);
        const Scalar cubic = -2 / (gamma * gamma * gamma), linear = Scalar(1.5) / gamma;
        return autograd::elementwise(
            "smooth_step", t,
            [=](Scalar v) {
                return v <= -gamma / 2 ? Scalar(0) : v >= gamma / 2 ? Scalar(1) : cubic * v * v * v + linear * v + Scalar(0.5);
            },
            [=](Scalar v, Scalar) { return v <= -gamma / 2 || v >= gamma / 2 ? Scalar(0) : 3 * cubic * v * v + linear; });
    }
    /// (N, 2^bits): the choice of selector i among all codes.
    [[nodiscard]] Variable<Scalar> choice(const Variable<Scalar>& set, Index i) const {
        Variable<Scalar> result{Tensor<Scalar>::full({set.size(0), 1}, 1)};
        for (Index bit = 0; bit < bits_; ++bit) {
            const auto on = autograd::narrow(set, 1, i * bits_ + bit, 1);
            result = autograd::cat({result * (Scalar(1) - on), result * on}, 1);
        }
        return result;
    }
    /// (N, experts): those beyond the experts added to the first ones.
    [[nodiscard]] Variable<Scalar> folded(const Variable<Scalar>& codes) const {
        const Index beyond = codes.size(1) - experts_;
        if (beyond == 0)
            return codes;
        const auto first = autograd::narrow(codes, 1, 0, beyond) + autograd::narrow(codes, 1, experts_, beyond);
        return autograd::cat({first, autograd::narrow(codes, 1, beyond, experts_ - beyond)}, 1);
    }
    [[nodiscard]] Variable<Scalar> entropy(const Features<Scalar>& choices) const {
        PoolVector<Variable<Scalar>> terms;
        for (const auto& choice : choices)
            terms.push_back(autograd::sum(autograd::elementwise(
                "entropy", choice, [](Scalar r) { return r > 0 ? -r * std::log(r) : Scalar(0); },
                [](Scalar r, Scalar) { return r > 0 ? -std::log(r) - 1 : Scalar(0); })));
        const auto samples = static_cast<double>(std::max<Index>(1, choices[0].size(0)));
        return autograd::weighted_sum<Scalar>(terms, PoolVector<Scalar>(terms.size(), static_cast<Scalar>(options_.entropy / samples)));
    }

    Index experts_;
    Index bits_ = 0;
    DSelectKOptions options_;
    nn::Parameter<Scalar> codes_;
    nn::Parameter<Scalar> weights_;
    nn::Mode mode_;
    detail::LastPenalty<Scalar> penalty_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
