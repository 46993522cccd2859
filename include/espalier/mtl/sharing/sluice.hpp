// SPDX-License-Identifier: MIT
/// @file Sluice networks: columns that mix parts of what they found, and what they found at several depths.
#pragma once

#include <espalier/autograd/arithmetic.hpp>
#include <espalier/autograd/matmul.hpp>
#include <espalier/autograd/mix.hpp>
#include <espalier/autograd/reduction.hpp>
#include <espalier/autograd/reshape.hpp>
#include <espalier/core/finite.hpp>
#include <espalier/mtl/sharing/columns.hpp>

#include <cstddef>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::mtl {

/// Of a `Sluice`.
struct SluiceOptions {
    std::vector<std::size_t> after = {};  ///< after how many layers columns exchange, ascending; none stands for after each layer
    Index subspaces = 2;                  ///< into so many parts the channels of a column are cut
    double own = 0.9;                     ///< a subspace's first weight for itself; the others share what is left to 1
    bool mix_depths = true;               ///< end with a mixture of all places, whose outputs then have one shape
    double last = 0.9;                    ///< first weight of the last place in it; the others share what is left to 1
    double orthogonality = 0.01;          ///< factor of the penalty on what the subspaces of a column have in common
};

/// Ruder, Bingel, Augenstein and Sogaard, "Latent multi-task architecture learning" (AAAI 2019, arXiv:1705.08142).
///
/// Every task has a column of layers. After a stage k its channels are cut into G subspaces, and each goes on as a sum of all subspaces
/// of all columns by the weights `alphas.<k>` (T G, T G), in which a column's subspaces are neighbours. What column i found at the
/// places, so mixed, is summed by `betas` (T, places) at the last of them: that is what goes on to the layers behind it, if any, and to
/// the head. The penalty is the sum over columns, stages and pairs of subspaces of |W_g W_h^T|^2, W_g the rows of a stage's last weight
/// (out, ...) that make subspace g; stages without a weight that can be cut have none.
template <class Scalar = float>
class Sluice : public nn::Module<Sluice<Scalar>, Scalar> {
public:
    /// One column for each head. @throws ValueError for columns of different depths, places that are not there, less than one subspace,
    /// weights that are not finite, or a factor that is negative
    explicit Sluice(std::vector<nn::Layer<Scalar>> columns, SluiceOptions options = {})
        : columns_{"Sluice", std::move(columns), options.after}, options_{std::move(options)} {
        require<ValueError>(options_.subspaces > 0, "Sluice", "expected at least one subspace, got ", options_.subspaces);
        require<ValueError>(is_finite(options_.own) && is_finite(options_.last), "Sluice", "expected finite first weights, got ",
                            options_.own, " and ", options_.last);
        require<ValueError>(is_finite(options_.orthogonality) && options_.orthogonality >= 0, "Sluice",
                            "expected a factor of at least 0, got ", options_.orthogonality);
        const auto tasks = static_cast<Index>(columns_.size()), places = static_cast<Index>(columns_.exchanges());
        const Index parts = tasks * options_.subspaces;
        for (Index k = 0; k < places; ++k)
            alphas_.push_back(first_weights(parts, parts, options_.own, [](Index row) { return row; }));
        if (options_.mix_depths)
            betas_.push_back(first_weights(tasks, places, options_.last, [=](Index) { return places - 1; }));
    }

    /// @throws ShapeError for channels that the subspaces do not divide, columns that exchange or places that are mixed with outputs of
    /// different shapes, and what a layer throws
    [[nodiscard]] Features<Scalar> operator()(const Variable<Scalar>& input) {
        PoolVector<Features<Scalar>> found_by(columns_.size());  // by each column, at all places
        return columns_.run(input, [&](std::size_t k, const Features<Scalar>& found) {
            Features<Scalar> mixed = exchange(k, found);
            for (std::size_t i = 0; options_.mix_depths && i < mixed.size(); ++i) {
                found_by[i].push_back(mixed[i]);
                if (k + 1 == columns_.exchanges())
                    mixed[i] = nn::detail::naming_place([&] { return autograd::mix<Scalar>(found_by[i], row_of(betas_[0], i)); },
                                                        [&](const ShapeError&) { return concat("the mixture of depths of column ", i); });
            }
            return mixed;
        });
    }

    void visit(nn::Visitor<Scalar>& visitor) {
        visitor("columns", columns_);
        visitor("alphas", alphas_);
        if (options_.mix_depths)
            visitor("betas", betas_[0]);
        if (options_.orthogonality > 0 && options_.subspaces > 1)
            visitor.penalty([this] { return penalty(); });
    }

private:
    /// Rows that sum up to 1, with `large` at one place each.
    template <class Place>
    [[nodiscard]] static nn::Parameter<Scalar> first_weights(Index rows, Index columns, double large, const Place& place) {
        const double other = columns > 1 ? (1 - large) / static_cast<double>(columns - 1) : 0;
        auto weights = Tensor<Scalar>::full({rows, columns}, static_cast<Scalar>(other));
        for (Index i = 0; i < rows; ++i)
            weights.at(i, place(i)) = static_cast<Scalar>(columns > 1 ? large : 1);
        return nn::Parameter<Scalar>{std::move(weights)};
    }
    [[nodiscard]] static Variable<Scalar> row_of(const nn::Parameter<Scalar>& weights, std::size_t row) {
        return autograd::reshape(autograd::narrow(weights.variable(), 0, static_cast<Index>(row), 1), {weights.shape()[1]});
    }

    [[nodiscard]] Features<Scalar> exchange(std::size_t k, const Features<Scalar>& found) {
        const auto count = static_cast<std::size_t>(options_.subspaces);
        Features<Scalar> parts;
        for (std::size_t i = 0; i < found.size(); ++i) {
            const Index channels = found[i].rank() > 1 ? found[i].size(-1) : 0;
            require<ShapeError>(channels > 0 && channels % options_.subspaces == 0, "Sluice", "expected channels that ", count,
                                " subspaces divide, got ", found[i].shape(), " in column ", i);
            for (Index g = 0; g < options_.subspaces; ++g)
                parts.push_back(autograd::narrow(found[i], -1, g * (channels / options_.subspaces), channels / options_.subspaces));
        }
        Features<Scalar> result;
        for (std::size_t i = 0; i < found.size(); ++i) {
            Features<Scalar> own;
            for (std::size_t g = 0; g < count; ++g)
                own.push_back(autograd::mix<Scalar>(parts, row_of(alphas_[k], i * count + g)));
            result.push_back(autograd::cat<Scalar>(own, -1));
        }
        return result;
    }

    [[nodiscard]] Variable<Scalar> penalty() {
        PoolVector<Variable<Scalar>> terms;
        for (std::size_t i = 0; i < columns_.size(); ++i)
            for (std::size_t k = 0; k < columns_.exchanges(); ++k) {
                detail::CollectHandles<Scalar> shown{false};
                columns_.visit_stage(i, k, shown);
                for (auto weight = shown.handles.rbegin(); weight != shown.handles.rend(); ++weight)
                    if (weight->rank() > 1 && weight->size(0) % options_.subspaces == 0) {
                        add_products(*weight, terms);
                        break;
                    }
            }
        if (terms.empty())
            return Tensor<Scalar>::scalar(0);
        return autograd::weighted_sum<Scalar>(terms, PoolVector<Scalar>(terms.size(), static_cast<Scalar>(options_.orthogonality)));
    }
    void add_products(const Variable<Scalar>& weight, PoolVector<Variable<Scalar>>& terms) const {
        const Index out = weight.size(0), rows = out / options_.subspaces;
        const auto flat = autograd::reshape(weight, {out, weight.shape().product(1, weight.rank())});
        for (Index g = 0; g < options_.subspaces; ++g)
            for (Index h = g + 1; h < options_.subspaces; ++h) {
                const auto products = autograd::linear(autograd::narrow(flat, 0, g * rows, rows),
                                                       autograd::narrow(flat, 0, h * rows, rows));
                terms.push_back(autograd::sum(products * products));
            }
    }

    detail::LayerColumns<Scalar> columns_;
    nn::Children<nn::Parameter<Scalar>> alphas_;
    nn::Children<nn::Parameter<Scalar>> betas_;  ///< one, or none
    SluiceOptions options_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
