// SPDX-License-Identifier: MIT
/// @file Tensor factorisation: the weights of a linear layer of all tasks as one tensor of low rank.
#pragma once

#include <espalier/autograd/matmul.hpp>
#include <espalier/autograd/reshape.hpp>
#include <espalier/mtl/sharing/task_conditioned.hpp>
#include <espalier/nn/init.hpp>

#include <cmath>
#include <utility>

namespace espalier::inline ESPALIER_ABI::mtl {

/// Of a `FactorisedLinear`.
struct FactorisedLinearOptions {
    Index rank = 2;      ///< of the tasks: so many layers are combined
    Index in_rank = 0;   ///< of the inputs, 0 for no factor
    Index out_rank = 0;  ///< of the outputs, 0 for no factor
};

/// Yang and Hospedales, "Deep multi-task representation learning: a tensor factorisation approach" (ICLR 2017, arXiv:1605.06391).
///
/// A linear layer (..., in) to (..., out) of T tasks, for the trunk of a `TaskConditioned`. The tasks' weights are a tensor (T, out, in)
/// of low rank: W_t = sum over k of tasks_tk core_k, with parameters `tasks` (T, rank) and `core` (rank, out, in), is the paper's LAF; with
/// a factor `in` (in_rank, in) as well, W_t = (sum over k of tasks_tk core_k) in, its TT; with `out` (out, out_rank) besides, out (...) in,
/// Tucker. The core then has these ranks for extents. Each task has a `bias` of its own, a row of (T, out). Drawn so that weights have
/// the variance of an `nn::Linear`; the paper also begins with factors of networks that were trained apart.
template <class Scalar = float>
class FactorisedLinear : public nn::Module<FactorisedLinear<Scalar>, Scalar> {
public:
    /// @throws ValueError for no features, no task, or ranks that are not at least 1, or 0 for no factor
    FactorisedLinear(Index in_features, Index out_features, std::size_t tasks, FactorisedLinearOptions options = {}) {
        require<ValueError>(in_features > 0 && out_features > 0 && tasks > 0, "FactorisedLinear",
                            "expected at least one feature in and out and one task, got ", in_features, ", ", out_features, " and ", tasks);
        require<ValueError>(options.rank > 0 && options.in_rank >= 0 && options.out_rank >= 0, "FactorisedLinear",
                            "expected a rank of at least 1, and for inputs and outputs one or 0, got ", options.rank, ", ", options.in_rank,
                            " and ", options.out_rank);
        Random random = new_random();
        const auto draw = [&](const Shape& shape, double variance) {
            const double bound = std::sqrt(3 * variance);
            Tensor<Scalar> values{shape};
            nn::init::uniform(values, random, -bound, bound);
            return nn::Parameter<Scalar>{std::move(values)};
        };
        const auto part = [](Index count) { return 1 / static_cast<double>(count); };
        const Index in = options.in_rank ? options.in_rank : in_features, out = options.out_rank ? options.out_rank : out_features;
        if (options.in_rank)
            in_.push_back(draw({in, in_features}, part(in_features)));
        core_ = draw({options.rank, out, in}, part(in) / 3);
        if (options.out_rank)
            out_.push_back(draw({out_features, out}, part(out)));
        tasks_ = draw({static_cast<Index>(tasks), options.rank}, part(options.rank));
        bias_ = draw({static_cast<Index>(tasks), out_features}, part(in_features) / 3);
    }

    /// @throws ShapeError for other features; StateError unless a `TaskConditioned` of no more tasks runs it
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) const {
        const auto task = static_cast<Index>(detail::TaskScope::task_of("FactorisedLinear", static_cast<std::size_t>(tasks_.shape()[0])));
        const Shape& core = core_.shape();
        const auto weights = autograd::matmul(autograd::narrow(tasks_.variable(), 0, task, 1),
                                              autograd::reshape(core_.variable(), {core[0], core[1] * core[2]}));
        const auto weight = autograd::reshape(weights, {core[1], core[2]});
        const auto bias = autograd::reshape(autograd::narrow(bias_.variable(), 0, task, 1), {bias_.shape()[1]});
        const auto read = in_.empty() ? x : autograd::linear<Scalar>(x, in_[0]);
        return out_.empty() ? autograd::linear(read, weight, bias)
                            : autograd::linear<Scalar>(autograd::linear(read, weight), out_[0], bias);
    }

    void visit(nn::Visitor<Scalar>& visitor) {
        if (!in_.empty())
            visitor("in", in_[0]);
        visitor("core", core_);
        if (!out_.empty())
            visitor("out", out_[0]);
        visitor("tasks", tasks_);
        visitor("bias", bias_);
    }

private:
    nn::Children<nn::Parameter<Scalar>> in_;  ///< one, or none
    nn::Children<nn::Parameter<Scalar>> out_;  ///< one, or none
    nn::Parameter<Scalar> core_;
    nn::Parameter<Scalar> tasks_;
    nn::Parameter<Scalar> bias_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
