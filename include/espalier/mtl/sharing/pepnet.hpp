// SPDX-License-Identifier: MIT
/// @file PEPNet: gates that see whose sample it is scale the embedding, and every layer of every task's network.
#pragma once

#include <espalier/autograd/activation.hpp>
#include <espalier/autograd/arithmetic.hpp>
#include <espalier/autograd/reshape.hpp>
#include <espalier/core/finite.hpp>
#include <espalier/mtl/sharing/columns.hpp>
#include <espalier/nn/linear.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::mtl {

/// The gate of PEPNet: (..., inputs) gives factors (..., outputs) in (0, gamma), gamma sigmoid(W2 relu(W1 x + b1) + b2) with as many
/// hidden units as outputs. Paths: `first` and `second`.
template <class Scalar = float>
class GateNU : public nn::Module<GateNU<Scalar>, Scalar> {
public:
    /// @throws ValueError for counts or a gamma that are not positive
    GateNU(Index inputs, Index outputs, double gamma = 2) : first_{inputs, outputs}, second_{outputs, outputs}, gamma_{gamma} {
        require<ValueError>(is_finite(gamma) && gamma > 0, "GateNU", "expected a gamma above 0, got ", gamma);
    }

    /// @throws ShapeError for another number of inputs
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) const {
        return autograd::sigmoid(second_(first_.with_relu(x))) * static_cast<Scalar>(gamma_);
    }

    void visit(nn::Visitor<Scalar>& visitor) {
        visitor("first", first_);
        visitor("second", second_);
    }

private:
    nn::Linear<Scalar> first_;
    nn::Linear<Scalar> second_;
    double gamma_;
};

/// Entries [first, first + count) of an input's last axis.
struct ColumnRange {
    Index first = 0;
    Index count = 0;
};

/// Of a `PEPNet`. Ranges may have columns in common.
struct PEPNetOptions {
    ColumnRange embedding = {};           ///< what the networks read
    ColumnRange domain = {};              ///< what the gate of the embedding sees: the scene, or where the sample comes from
    ColumnRange priors = {};              ///< what the gates of layers see: who reads, what, and whose it is
    std::vector<Index> widths = {};       ///< of the networks' outputs at each place with gates
    std::vector<std::size_t> after = {};  ///< after how many layers gates come, ascending; none stands for after each layer
    double gamma = 2;                     ///< the largest factor
};

/// Chang, Zhang, Hui, Leng, Niu, Song and Gai, "PEPNet: parameter and embedding personalized network for infusing with personalized prior
/// information" (KDD 2023, arXiv:2302.01115).
///
/// An input (..., D) has embedding, domain and priors as ranges of columns, as an encoder lays them side by side. The embedding e is scaled
/// by a gate that all tasks share, e' = GateNU([domain, e]) e, and each task has a network that reads e'. At the places told, in the paper
/// after each hidden layer, what network t found is scaled by GateNU_kt([priors, e']). No gradient goes through what gates see of e and
/// e', so that they do not disturb the embedding. Paths: `embedding_gate`, `networks.<task>` and `gates.<k>.<task>`.
template <class Scalar = float>
class PEPNet : public nn::Module<PEPNet<Scalar>, Scalar> {
public:
    /// One network for each head. @throws ValueError for networks of different depths, places that are not there, not a width for each
    /// place, a range without columns or from below 0, or what a gate refuses
    PEPNet(std::vector<nn::Layer<Scalar>> networks, PEPNetOptions options)
        : options_{checked(std::move(options))},
          embedding_gate_{options_.domain.count + options_.embedding.count, options_.embedding.count, options_.gamma},
          networks_{"PEPNet", std::move(networks), options_.after} {
        require<ValueError>(options_.widths.size() == networks_.exchanges(), "PEPNet", "expected the widths at ", networks_.exchanges(),
                            " places, got ", options_.widths.size());
        for (const Index width : options_.widths) {
            nn::Children<GateNU<Scalar>> gates;
            for (std::size_t task = 0; task < networks_.size(); ++task)
                gates.push_back({options_.priors.count + options_.embedding.count, width, options_.gamma});
            gates_.push_back(std::move(gates));
        }
    }

    /// @throws ShapeError for an input without the columns, a network's output of another width than was told, and what a layer throws
    [[nodiscard]] Features<Scalar> operator()(const Variable<Scalar>& input) {
        const Index needed = std::max({end(options_.embedding), end(options_.domain), end(options_.priors)});
        require<ShapeError>(input.rank() > 0 && input.size(-1) >= needed, "PEPNet", "expected an input of at least ", needed,
                            " columns, got shape ", input.shape());
        const auto columns = [&](const ColumnRange& range) { return autograd::narrow(input, -1, range.first, range.count); };
        const auto embedding = columns(options_.embedding);
        const auto scaled = embedding_gate_(autograd::cat({columns(options_.domain), embedding.detach()}, -1)) * embedding;
        const auto seen = autograd::cat({columns(options_.priors), scaled.detach()}, -1);
        return networks_.run(scaled, [&](std::size_t k, const Features<Scalar>& found) {
            Features<Scalar> result;
            for (std::size_t task = 0; task < found.size(); ++task) {
                const auto factors = gates_[k][task](seen);
                require<ShapeError>(factors.shape() == found[task].shape(), "PEPNet", "expected an output ", factors.shape(),
                                    " of network ", task, ", got ", found[task].shape());
                result.push_back(factors * found[task]);
            }
            return result;
        });
    }

    void visit(nn::Visitor<Scalar>& visitor) {
        visitor("embedding_gate", embedding_gate_);
        visitor("networks", networks_);
        visitor("gates", gates_);
    }

private:
    [[nodiscard]] static Index end(const ColumnRange& range) noexcept { return range.first + range.count; }
    [[nodiscard]] static PEPNetOptions checked(PEPNetOptions options) {
        const auto check = [](const char* name, const ColumnRange& range) {
            require<ValueError>(range.first >= 0 && range.count > 0 && range.count <= std::numeric_limits<Index>::max() / 4 &&
                                    range.first <= std::numeric_limits<Index>::max() / 4,
                                "PEPNet", "expected columns for the ", name, ", got ", range.count, " from ", range.first);
        };
        check("embedding", options.embedding);
        check("domain", options.domain);
        check("priors", options.priors);
        return options;
    }

    PEPNetOptions options_;
    GateNU<Scalar> embedding_gate_;
    detail::LayerColumns<Scalar> networks_;
    nn::Children<nn::Children<GateNU<Scalar>>> gates_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
