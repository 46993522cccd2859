// SPDX-License-Identifier: MIT
/// @file Items that a user did not choose, drawn beside each that was chosen.
///
/// @code
/// const data::NegativeSampler sampler{counts, {.power = 0.75}, chosen};   // chosen: the items of each user
/// data::DataLoader loader{pairs, {.batch_size = 256, .transform = data::add_negatives(sampler, {.count = 4})}};
/// // batch.inputs.at("item").indices() is (N, 5), the chosen item first, as losses::bpr_loss has its scores
/// @endcode
#pragma once

#include <espalier/core/error.hpp>
#include <espalier/core/finite.hpp>
#include <espalier/core/random.hpp>
#include <espalier/data/alias_table.hpp>
#include <espalier/data/batch.hpp>
#include <espalier/data/inputs.hpp>
#include <espalier/data/sequences.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::data {

/// Of a `NegativeSampler`.
struct NegativeSamplerOptions {
    double power = 0.75;  ///< an item is drawn in proportion to its count to this power: 1 as often as it is chosen, 0 like any other
};

/// Draws items by how popular they are (Mikolov et al., "Distributed representations of words and phrases and their compositionality",
/// NeurIPS 2013, for the power of 0.75), and none that the user chose, if that is known. Copies share what they know.
class NegativeSampler {
public:
    /// How often each item was chosen; and of each user the items that are no negatives, in any order.
    /// @throws ValueError for a count that is negative or not finite, a power that is negative or not finite, no item that can be drawn,
    /// an item out of range, or a user who chose every item that can be drawn
    explicit NegativeSampler(const std::vector<double>& counts, const NegativeSamplerOptions& options = {}, const Sequences& chosen = {})
        : known_{std::make_shared<const Known>(counts, options, chosen)} {}
    /// Of items that are all drawn alike. @throws as above
    explicit NegativeSampler(Index items, const Sequences& chosen = {})
        : NegativeSampler{std::vector<double>(static_cast<std::size_t>(std::max<Index>(items, 0)), 1), {.power = 0}, chosen} {}

    /// An item for a user, other than `but`. @throws ValueError for a user out of range, if it is known what users chose, or where there is
    /// no other item
    [[nodiscard]] Index operator()(Index user, Random& random, Index but = -1) const {
        const std::span<const Index> chosen = known_->chosen_by(user);
        const auto is_chosen = [&](Index item) { return item == but || std::binary_search(chosen.begin(), chosen.end(), item); };
        for (int attempt = 0; attempt < 64; ++attempt)
            if (const Index item = known_->table(random); !is_chosen(item))
                return item;
        std::vector<double> rest;  // a user who chose nearly everything: from what is left
        for (Index item = 0; item < items(); ++item)
            rest.push_back(is_chosen(item) ? 0 : known_->table.probability(item));
        require<ValueError>(std::any_of(rest.begin(), rest.end(), [](double w) { return w > 0; }), "NegativeSampler",
                            "expected an item beside ", but, " that can be drawn, got none");
        return AliasTable{rest}(random);
    }

    [[nodiscard]] Index items() const noexcept { return known_->table.size(); }
    /// Whether it is known what users chose.
    [[nodiscard]] bool knows_users() const noexcept { return known_->chosen.size() > 0; }
    /// How probable an item is where no user's choice stands against it: the q whose logarithm `losses::sampled_softmax_loss` takes.
    /// @throws ValueError for an item out of range
    [[nodiscard]] double probability(Index item) const { return known_->table.probability(item); }

private:
    struct Known {
        AliasTable table;
        Sequences chosen;  ///< sorted, without repeats

        Known(const std::vector<double>& counts, const NegativeSamplerOptions& options, const Sequences& lists)
            : table{weights(counts, options)}, chosen{sorted(lists, table)} {}

        [[nodiscard]] std::span<const Index> chosen_by(Index user) const {
            if (chosen.size() == 0)
                return {};
            require<ValueError>(user >= 0 && user < chosen.size(), "NegativeSampler", "expected a user in [0, ", chosen.size(), "), got ",
                                user);
            return chosen[user];
        }

    private:
        [[nodiscard]] static std::vector<double> weights(const std::vector<double>& counts, const NegativeSamplerOptions& options) {
            require<ValueError>(is_finite(options.power) && options.power >= 0, "NegativeSampler",
                                "expected a finite power of at least 0, got ", options.power);
            std::vector<double> result;
            for (const double count : counts) {
                require<ValueError>(is_finite(count) && count >= 0, "NegativeSampler", "expected finite counts of at least 0, got ", count,
                                    " of item ", result.size());
                result.push_back(std::pow(count, options.power));
            }
            require<ValueError>(std::any_of(result.begin(), result.end(), [](double w) { return w > 0; }), "NegativeSampler",
                                "expected an item that can be drawn, got none");
            return result;
        }
        [[nodiscard]] static Sequences sorted(const Sequences& lists, const AliasTable& table) {
            Index drawable = 0;
            for (Index item = 0; item < table.size(); ++item)
                drawable += table.probability(item) > 0;
            std::vector<std::vector<Index>> result;
            for (Index user = 0; user < lists.size(); ++user) {
                auto& own = result.emplace_back(lists[user].begin(), lists[user].end());
                std::sort(own.begin(), own.end());
                own.erase(std::unique(own.begin(), own.end()), own.end());
                require<ValueError>(own.empty() || (own.front() >= 0 && own.back() < table.size()), "NegativeSampler",
                                    "expected items in [0, ", table.size(), ") of user ", user, ", got ",
                                    own.empty()       ? 0
                                    : own.front() < 0 ? own.front()
                                                      : own.back());
                const auto left = drawable - std::count_if(own.begin(), own.end(), [&](Index i) { return table.probability(i) > 0; });
                require<ValueError>(left > 0, "NegativeSampler", "expected an item that user ", user, " did not choose, got none of ",
                                    drawable);
            }
            return Sequences{result};
        }
    };

    std::shared_ptr<const Known> known_;
};

/// Of `add_negatives`.
struct AddNegativesOptions {
    Index count = 1;  ///< of each sample
    std::string user = "user";  ///< the input of users, (N,), if the sampler knows what they chose
    std::string item = "item";  ///< the input of chosen items, (N,), which becomes (N, 1 + count)
};

/// A transform of a loader that puts drawn items behind the chosen one of each sample, which is not among them. What a sample gets depends
/// on (seed, epoch, batch) and its place in the batch alone, and not on how many draws others took.
/// @throws ValueError for a count below 1; in the loader StateError for an input that is not there or holds no indices, ShapeError for one
/// that is not (N,), ValueError for a user out of range, or where no item but the chosen one can be drawn
[[nodiscard]] inline auto add_negatives(NegativeSampler sampler, AddNegativesOptions options = {}) {
    require<ValueError>(options.count >= 1, "add_negatives", "expected a count of at least 1, got ", options.count);
    return [sampler = std::move(sampler), options = std::move(options)]<class Scalar>(Batch<Scalar>& batch, Random& random) {
        const Tensor<Index>& chosen = indices_of(batch.inputs, options.item);
        const bool has_users = sampler.knows_users() || batch.inputs.contains(options.user);
        const Tensor<Index>* const users = has_users ? &indices_of(batch.inputs, options.user) : nullptr;
        require<ShapeError>(chosen.rank() == 1 && (!users || users->shape() == chosen.shape()), "add_negatives",
                            "expected items (N,), and users (N,) if there are, got ", chosen.shape(), " and ",
                            users ? users->shape() : chosen.shape());
        const std::uint64_t seed = random.next();
        auto items = Tensor<Index>::empty({chosen.numel(), 1 + options.count});
        Index* to = items.data();
        for (Index i = 0; i < chosen.numel(); ++i) {
            Random own{seed, static_cast<std::uint64_t>(i)};
            *to++ = chosen[i];
            for (Index k = 0; k < options.count; ++k)
                *to++ = sampler(users ? (*users)[i] : -1, own, chosen[i]);
        }
        batch.inputs.at(options.item) = std::move(items);
    };
}

}  // namespace espalier::inline ESPALIER_ABI::data
