// SPDX-License-Identifier: MIT
/// @file Shuffling what does not lie in memory together: a buffer between blocks and batches. `data/stream_loader.hpp` is what programs
/// include.
#pragma once

#include <espalier/core/random.hpp>
#include <espalier/data/batch.hpp>
#include <espalier/data/batch_iterator.hpp>
#include <espalier/data/combine.hpp>
#include <espalier/data/dataset.hpp>
#include <espalier/data/transform.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <numeric>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::data {

/// How a stream becomes batches.
template <class Scalar = float>
struct StreamLoaderOptions {
    Index batch_size = 32;
    bool shuffle = true;  ///< the order of the shards, and the samples within the buffer
    std::uint64_t seed = 0;
    bool drop_last = false;  ///< leave out the last batch of an epoch if it is smaller than the others
    Index prefetch = 2;      ///< batches made ahead on a thread; 0 makes each when it is asked for
    /// Samples that are shuffled together, at least two batches of them: the more, the better mixed, and the more memory. What is sorted in
    /// the files over a longer way stays so.
    Index buffer = 16'384;
    /// Changes a batch after it is gathered, on that thread. What it draws from `Random` depends on (seed, epoch, batch) alone.
    Transform<Scalar> transform = {};
};

namespace detail {

/// Gives the samples of the next block; nothing at the end.
template <class Scalar>
using NextSamples = std::function<std::optional<Dataset<Scalar>>()>;

/// The batches of one epoch, in their order.
///
/// Half of the buffer is given away in random order, then filled again, and all is shuffled anew: so a sample may meet any other that is
/// less than half a buffer away, and every batch has its full size.
template <class Scalar>
class StreamedEpoch {
    using Options = StreamLoaderOptions<Scalar>;

public:
    StreamedEpoch(NextSamples<Scalar> next, const Options& options, std::uint64_t epoch, Random random)
        : next_{std::move(next)}, options_{options}, epoch_{epoch}, random_{random} {}

    /// Of the next batches that are asked for. @throws what the stream or its encoding threw
    [[nodiscard]] std::optional<Batch<Scalar>> batch() {
        if (at_ == until_)
            refill();
        const std::size_t size = std::min(static_cast<std::size_t>(options_.batch_size), until_ - at_);
        if (size == 0 || (options_.drop_last && std::cmp_less(size, options_.batch_size)))
            return {};
        Batch<Scalar> batch = held_->samples().gather(std::span{order_}.subspan(at_, size));
        at_ += size;
        Random random{options_.seed, (epoch_ << 32) + static_cast<std::uint64_t>(number_++) + 1};  // + 0 is the order's stream
        options_.transform(batch, random);
        check_batch(batch);
        return batch;
    }
    /// Batches given so far.
    [[nodiscard]] Index number() const noexcept { return number_; }

private:
    /// Keeps what is left of the buffer, and fills it up.
    void refill() {
        const auto batch_size = static_cast<std::size_t>(options_.batch_size);
        const auto room = options_.shuffle ? std::max(static_cast<std::size_t>(options_.buffer), 2 * batch_size) : batch_size;
        std::vector<Dataset<Scalar>> parts;
        std::size_t count = order_.size() - at_;
        if (count > 0)
            parts.push_back(held_->gather(std::span{order_}.subspan(at_)));
        held_.reset();  // before more is read
        order_.clear();
        at_ = until_ = 0;
        while (count < room) {
            const std::size_t more = take(parts, room - count);
            if (more == 0)
                break;
            count += more;
        }
        if (count == 0)
            return;
        held_ = parts.size() == 1 ? std::move(parts.front()) : combine_samples(parts);
        if (options_.shuffle) {
            order_ = random_.permutation(static_cast<Index>(count));
        } else {
            order_.resize(count);
            std::iota(order_.begin(), order_.end(), Index{0});
        }
        const std::size_t half = std::max(count / 2 / batch_size, std::size_t{1}) * batch_size;
        until_ = count < room ? count : options_.shuffle ? half : count;
    }

    /// Takes some of the samples that come next, and gives how many they are; 0 at the end of the stream.
    std::size_t take(std::vector<Dataset<Scalar>>& parts, std::size_t most) {
        if (!block_ && next_) {
            block_ = next_();
            taken_ = 0;
            if (!block_)
                next_ = nullptr;  // a stream is not asked again behind its end
        }
        if (!block_)
            return 0;
        const auto size = static_cast<std::size_t>(block_->size());
        const std::size_t count = std::min(most, size - taken_);
        if (count == size) {
            parts.push_back(std::move(*block_));
        } else {
            std::vector<Index> rows(count);
            std::iota(rows.begin(), rows.end(), static_cast<Index>(taken_));
            parts.push_back(block_->gather(rows));
        }
        taken_ += count;
        if (taken_ == size)
            block_.reset();
        return count;
    }

    NextSamples<Scalar> next_;
    const Options& options_;
    std::uint64_t epoch_;
    Random random_;
    Index number_ = 0;
    std::optional<Dataset<Scalar>> held_;  // the buffer
    std::vector<Index> order_;  // of its samples
    std::size_t at_ = 0, until_ = 0;  // of the order: given so far, and to be given before the buffer is filled again
    std::optional<Dataset<Scalar>> block_;  // of which a part did not fit
    std::size_t taken_ = 0;
};

}  // namespace detail

}  // namespace espalier::inline ESPALIER_ABI::data
