// SPDX-License-Identifier: MIT
/// @file Groups of similar things, as many as there are.
#pragma once

#include <espalier/core/random.hpp>
#include <espalier/mtl/balancing/matrix.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <utility>

namespace espalier::inline ESPALIER_ABI::mtl::solvers {

/// Affinity propagation (Frey and Dueck, "Clustering by Passing Messages Between Data Points", Science 2007), damped by 1/2: which group
/// each of n things is in, 0, 1, ... in the order of their first members; empty if the messages do not come to rest in 200 rounds. The
/// diagonal of the similarities says how much each is preferred as an exemplar. Ties are broken by noise in the last bits, always the same.
class AffinityPropagation {
public:
    explicit AffinityPropagation(Matrix similarities)
        : size_{similarities.rows()}, s_{std::move(similarities)}, responsibility_{size_, size_}, availability_{size_, size_} {}

    [[nodiscard]] PoolVector<std::size_t> groups() {
        if (all_equal())
            return size_ < 2 || s_(0, 0) > s_(0, 1) ? assign(every()) : PoolVector<std::size_t>(size_, 0);
        Random noise{1};
        for (std::size_t i = 0; i < size_ * size_; ++i)
            s_.data()[i] += std::numeric_limits<double>::epsilon() * s_.data()[i] * noise.normal();
        PoolVector<std::size_t> exemplars;
        int calm = 0;
        for (int round = 0; round < rounds && calm < rest; ++round) {
            update_responsibilities();
            update_availabilities();
            PoolVector<std::size_t> now;
            for (std::size_t k = 0; k < size_; ++k)
                if (responsibility_(k, k) + availability_(k, k) > 0)
                    now.push_back(k);
            calm = !now.empty() && now == exemplars ? calm + 1 : 0;
            exemplars = std::move(now);
        }
        return calm < rest ? PoolVector<std::size_t>{} : numbered(assign(centred(std::move(exemplars))));
    }

private:
    static constexpr int rounds = 200;
    static constexpr int rest = 50;  ///< so many rounds without a change are an end

    /// All as similar to each other, and as preferred: there is nothing that messages could tell.
    [[nodiscard]] bool all_equal() const {
        for (std::size_t i = 0; i < size_; ++i)
            for (std::size_t j = 0; j < size_; ++j)
                if (i == j ? s_(i, i) != s_(0, 0) : s_(i, j) != s_(0, 1))
                    return false;
        return true;
    }
    [[nodiscard]] PoolVector<std::size_t> every() const {
        PoolVector<std::size_t> result;
        for (std::size_t i = 0; i < size_; ++i)
            result.push_back(i);
        return result;
    }

    /// How well k would serve i, beside its best other choice.
    void update_responsibilities() {
        for (std::size_t i = 0; i < size_; ++i)
            for (std::size_t k = 0; k < size_; ++k) {
                double best = -std::numeric_limits<double>::infinity();
                for (std::size_t other = 0; other < size_; ++other)
                    if (other != k)
                        best = std::max(best, availability_(i, other) + s_(i, other));
                responsibility_(i, k) = (responsibility_(i, k) + s_(i, k) - best) / 2;
            }
    }
    /// How much the others speak for k.
    void update_availabilities() {
        for (std::size_t k = 0; k < size_; ++k) {
            double support = 0;
            for (std::size_t i = 0; i < size_; ++i)
                support += i == k ? 0 : std::max(responsibility_(i, k), 0.0);
            for (std::size_t i = 0; i < size_; ++i) {
                const double fresh = i == k ? support
                                            : std::min(0.0, responsibility_(k, k) + support - std::max(responsibility_(i, k), 0.0));
                availability_(i, k) = (availability_(i, k) + fresh) / 2;
            }
        }
    }

    /// The group of each: that of the exemplar which is most similar.
    [[nodiscard]] PoolVector<std::size_t> assign(const PoolVector<std::size_t>& exemplars) const {
        PoolVector<std::size_t> result(size_, 0);
        for (std::size_t i = 0; i < size_; ++i)
            for (std::size_t g = 1; g < exemplars.size(); ++g)
                if (s_(i, exemplars[g]) > s_(i, exemplars[result[i]]))
                    result[i] = g;
        for (std::size_t g = 0; g < exemplars.size(); ++g)
            result[exemplars[g]] = g;
        return result;
    }
    /// Of each group the member that the others are most similar to.
    [[nodiscard]] PoolVector<std::size_t> centred(PoolVector<std::size_t> exemplars) const {
        const auto group = assign(exemplars);
        for (std::size_t g = 0; g < exemplars.size(); ++g) {
            double best = -std::numeric_limits<double>::infinity();
            for (std::size_t k = 0; k < size_; ++k) {
                double sum = 0;
                for (std::size_t i = 0; i < size_; ++i)
                    sum += group[i] == g ? s_(i, k) : 0;
                if (group[k] == g && sum > best) {
                    best = sum;
                    exemplars[g] = k;
                }
            }
        }
        return exemplars;
    }
    [[nodiscard]] static PoolVector<std::size_t> numbered(PoolVector<std::size_t> groups) {
        PoolVector<std::size_t> seen;
        for (std::size_t& group : groups) {
            const auto found = std::find(seen.begin(), seen.end(), group);
            const auto number = static_cast<std::size_t>(found - seen.begin());
            if (found == seen.end())
                seen.push_back(group);
            group = number;
        }
        return groups;
    }

    std::size_t size_;
    Matrix s_;
    Matrix responsibility_;
    Matrix availability_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl::solvers
