// SPDX-License-Identifier: MIT
/// @file How well predicted edges lie on true ones (Martin, Fowlkes & Malik, 2004; with one tolerance, as Perazzi et al., 2016).
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/core/memory.hpp>
#include <espalier/losses/match.hpp>
#include <espalier/losses/target.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace espalier::inline ESPALIER_ABI::metrics {

/// Designated initialisers stand in this order.
struct BoundaryFOptions {
    double tolerance = 2;  ///< in pixels, between centres: at least 0
    double threshold = 0;  ///< a prediction above it is an edge: 0 for logits, 0.5 for probabilities
};

/// 2 P R / (P + R) of edge maps (N, H, W, 1): P is the share of predicted edge pixels no further than `tolerance` from a true one, R that
/// of true ones no further from a predicted one, over the pixels of all batches. Values are 1 on an edge and 0 elsewhere.
///
/// Pixels that do not count are no edges in either map; weights multiply the pixels of their sample. The score is 0 if no pixel is near
/// enough, and 1 if there is no edge in either.
template <class Scalar = float>
class BoundaryF {
public:
    /// @throws ValueError for a tolerance that is negative or not finite, or a threshold that is NaN.
    explicit BoundaryF(const BoundaryFOptions& options = {}) : options_{options} {
        require<ValueError>(is_finite(options.tolerance) && options.tolerance >= 0, "boundary_f",
                            "expected a finite tolerance of at least 0, got ", options.tolerance);
        require<ValueError>(!is_nan(options.threshold), "boundary_f", "expected a number as threshold, got ", options.threshold);
    }

    /// @throws ShapeError unless both are (N, H, W, 1), StateError for a target of class indices, ValueError for a value other than
    /// 0 and 1 that counts.
    void check(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) const {
        require<ShapeError>(prediction.rank() == 4 && prediction.size(3) == 1, "boundary_f", "expected edge maps (N, H, W, 1), got ",
                            prediction.shape());
        const Tensor<Scalar>& values = losses::values_like("boundary_f", prediction.shape(), target, "0 and 1");
        for (Index i = 0; i < values.numel(); ++i)
            if (values[i] != 0 && values[i] != 1 && target.counts(i))
                fail<ValueError>("boundary_f", "expected values 0 and 1, got ", values[i], " at sample ", i / target.sample_numel());
    }
    /// @throws as `check`; nothing is counted then.
    void update(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) {
        check(prediction, target);
        const Index height = prediction.size(1);
        const Index width = prediction.size(2);
        const Index each = height * width;
        PoolVector<char> said(static_cast<std::size_t>(each)), real(said);
        PoolVector<Index> away(static_cast<std::size_t>(each));
        for (Index n = 0; n < prediction.size(0); ++n) {
            double weight = 0;
            for (Index i = 0; i < each; ++i) {
                const Index at = n * each + i;
                const bool counts = target.counts(at);
                if (counts)
                    weight = static_cast<double>(target.weight_of(at));
                said[static_cast<std::size_t>(i)] = counts && static_cast<double>(prediction[at]) > options_.threshold;
                real[static_cast<std::size_t>(i)] = counts && target.values()[at] == 1;
                count_ += counts;
            }
            columns_away(height, width, real, away);
            predicted_.add(weight, height, width, said, away, options_.tolerance);
            columns_away(height, width, said, away);
            true_.add(weight, height, width, real, away, options_.tolerance);
        }
    }

    /// In [0, 1]. @throws StateError if nothing has been counted.
    [[nodiscard]] double value() const {
        require<StateError>(count_ > 0, "boundary_f", "expected labelled samples, got none");
        if (predicted_.all == 0 && true_.all == 0)
            return 1;
        const double p = precision();
        const double r = recall();
        return p + r > 0 ? 2 * p * r / (p + r) : 0;
    }
    /// 0 if no edge is predicted.
    [[nodiscard]] double precision() const noexcept { return predicted_.all > 0 ? predicted_.matched / predicted_.all : 0; }
    /// 0 if there is no edge.
    [[nodiscard]] double recall() const noexcept { return true_.all > 0 ? true_.matched / true_.all : 0; }
    /// Pixels counted since the start or `reset()`.
    [[nodiscard]] Index count() const noexcept { return count_; }
    void reset() noexcept {
        predicted_ = true_ = {};
        count_ = 0;
    }

private:
    /// How many columns each pixel is away from the nearest edge in its row, -1 in a row without any. So the nearest edge of all is found
    /// among as many numbers as there are rows within the tolerance, not among all pixels of a square.
    static void columns_away(Index height, Index width, const PoolVector<char>& edges, PoolVector<Index>& away) {
        for (Index y = 0; y < height; ++y) {
            const auto at = [row = y * width](Index x) { return static_cast<std::size_t>(row + x); };
            Index last = -1;
            for (Index x = 0; x < width; ++x) {
                if (edges[at(x)])
                    last = x;
                away[at(x)] = last < 0 ? -1 : x - last;
            }
            last = -1;
            for (Index x = width; x-- > 0;) {
                if (edges[at(x)])
                    last = x;
                if (last >= 0 && (away[at(x)] < 0 || last - x < away[at(x)]))
                    away[at(x)] = last - x;
            }
        }
    }

    /// Weights of the edge pixels of one map, and of those that are near the other's.
    struct Edges {
        double matched = 0;
        double all = 0;

        void add(double weight, Index height, Index width, const PoolVector<char>& own, const PoolVector<Index>& away, double tolerance) {
            for (Index y = 0; y < height; ++y)
                for (Index x = 0; x < width; ++x)
                    if (own[static_cast<std::size_t>(y * width + x)]) {
                        all += weight;
                        matched += is_near(height, width, y, x, away, tolerance) ? weight : 0;
                    }
        }
        [[nodiscard]] static bool is_near(Index height, Index width, Index y, Index x, const PoolVector<Index>& away, double tolerance) {
            // No pixel is further away than the sides of the image say.
            const auto reach = static_cast<Index>(std::min(std::floor(tolerance), static_cast<double>(height + width)));
            for (Index v = std::max<Index>(0, y - reach); v <= std::min(height - 1, y + reach); ++v) {
                const Index columns = away[static_cast<std::size_t>(v * width + x)];
                if (columns >= 0 && static_cast<double>((v - y) * (v - y) + columns * columns) <= tolerance * tolerance)
                    return true;
            }
            return false;
        }
    };

    BoundaryFOptions options_;
    Edges predicted_;
    Edges true_;
    Index count_ = 0;
};

}  // namespace espalier::inline ESPALIER_ABI::metrics
