// SPDX-License-Identifier: MIT
/// @file Which samples of a set an epoch has, and in what order.
#pragma once

#include <espalier/core/error.hpp>
#include <espalier/core/random.hpp>

#include <concepts>
#include <functional>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::data {

/// Any sampler: a copyable value that tells how many samples an epoch has, `size()`, and lists so many of them, in the order in which
/// batches are cut from them, when it is called with the batch size and a generator, both const. If it has `set_size()`, it fits sets of
/// so many samples alone. The list depends on what it draws, and on nothing that changes.
class Sampler {
public:
    /// None: a loader then takes every sample once, shuffled or not.
    Sampler() = default;
    template <class S>
        requires(!std::same_as<S, Sampler>) && requires(const S& sampler, Index batch_size, Random& random) {
            { sampler.size() } -> std::convertible_to<Index>;
            { sampler(batch_size, random) } -> std::same_as<std::vector<Index>>;
        }
    Sampler(S sampler) : size_{sampler.size()} {
        if constexpr (requires { sampler.set_size(); })
            set_size_ = sampler.set_size();
        list_ = std::move(sampler);
    }

    [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(list_); }
    [[nodiscard]] Index size() const noexcept { return size_; }
    /// Of the sets that it is for, or -1 for any.
    [[nodiscard]] Index set_size() const noexcept { return set_size_; }
    /// @throws ValueError if it lists another number than it told, or a sample that is not in a set of `set_size`
    [[nodiscard]] std::vector<Index> operator()(Index set_size, Index batch_size, Random& random) const {
        std::vector<Index> samples = list_(batch_size, random);
        require<ValueError>(static_cast<Index>(samples.size()) == size_, "sampler", "expected ", size_, " samples, got ", samples.size());
        for (const Index sample : samples)
            require<ValueError>(sample >= 0 && sample < set_size, "sampler", "expected samples in [0, ", set_size, "), got ", sample);
        return samples;
    }

private:
    Index size_ = 0;
    Index set_size_ = -1;
    std::function<std::vector<Index>(Index, Random&)> list_;
};

}  // namespace espalier::inline ESPALIER_ABI::data
