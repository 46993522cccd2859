// SPDX-License-Identifier: MIT
/// @file A data set of image files that are read when a batch is made: what `ImageFolder` and `ImageTable` are.
#pragma once

#include <espalier/data/batch.hpp>
#include <espalier/io/alpha.hpp>
#include <espalier/io/image.hpp>
#include <espalier/io/resize.hpp>
#include <espalier/losses/target.hpp>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::io::inline ESPALIER_PNG::inline ESPALIER_JPEG {

/// How the images of a set are read.
struct ImageSetOptions {
    Pair size = {};                        ///< height and width that each is brought to; none: all must be as the first
    Index channels = 3;                    ///< 1 grey, 3 RGB, 4 RGB and alpha
    bool antialias = true;                 ///< see `resize`
    /// What transparent pixels show, 0 black to 1 white, see `over_background`; without one, alpha is left out or kept as it is.
    std::optional<double> background = {};
    std::uint64_t max_pixels = 100000000;  ///< of a file, see `ImageOptions`
};

/// Files and the targets of each, as `data::DataLoader` walks over them: a batch's files are read on the loader's thread when it is
/// made, and nothing is kept. Inputs are (N, H, W, C) in [0, 1]. Copies cost what paths and targets do.
template <class Scalar = float>
class ImageSet {
public:
    /// `place(i)` is added to errors of file i. Without a size in the options, the first file is read to know it.
    /// @throws ShapeError for a target that has not a sample for each file; ValueError for bad options; IoError as `read_image`
    ImageSet(std::vector<std::filesystem::path> paths, losses::Targets<Scalar> targets, ImageSetOptions options = {},
             std::function<std::string(Index)> place = {})
        : paths_{std::move(paths)}, targets_{std::move(targets)}, options_{options}, place_{std::move(place)} {
        const Pair size = options_.size;
        require<ValueError>(options_.channels >= 1 && options_.channels <= 4, "image_set", "expected 1 to 4 channels, got ",
                            options_.channels);
        require<ValueError>(size == Pair{} || (size.height >= 1 && size.width >= 1), "image_set", "expected a size of at least 1x1, got ",
                            size);
        require<ValueError>(!options_.background || (*options_.background >= 0 && *options_.background <= 1), "image_set",
                            "expected a background in [0, 1], got ", options_.background.value_or(0));
        for (const auto& [task, target] : targets_)
            require<ShapeError>(target.size() == this->size(), "image_set", "expected a target '", task, "' of ", this->size(),
                                " samples, one for each file, got shape ", target.shape());
        numbers_.resize(paths_.size());
        std::iota(numbers_.begin(), numbers_.end(), Index{0});
        if (size == Pair{} && !paths_.empty()) {
            const auto first = read(0);
            fixed_ = {first.size(0), first.size(1)};
        }
    }

    /// Number of files.
    [[nodiscard]] Index size() const noexcept { return static_cast<Index>(paths_.size()); }
    [[nodiscard]] const std::vector<std::filesystem::path>& paths() const& noexcept { return paths_; }
    [[nodiscard]] std::vector<std::filesystem::path> paths() && { return std::move(paths_); }
    /// Of all files: what `data::TaskSampler` and `data::WeightedSampler` ask for.
    [[nodiscard]] const losses::Targets<Scalar>& targets() const& noexcept { return targets_; }
    [[nodiscard]] losses::Targets<Scalar> targets() && { return std::move(targets_); }
    [[nodiscard]] const ImageSetOptions& options() const& noexcept { return options_; }
    [[nodiscard]] ImageSetOptions options() && { return options_; }

    /// One image as it is in a batch, (H, W, C). @throws ValueError for a number that there is not; IoError naming the file
    [[nodiscard]] Tensor<Scalar> image(Index i) const {
        require_file(i);
        auto result = read(i);
        if (options_.size == Pair{} && fixed_ != Pair{result.size(0), result.size(1)})
            fail<IoError>("image_set", "expected images of ", fixed_, " pixels as the first one, or a .size that all are brought to, got ",
                          result.size(0), 'x', result.size(1), " in ", paths_[static_cast<std::size_t>(i)], place(i));
        return result;
    }

    /// Reads the files that `indices` lists. @throws as `image`
    [[nodiscard]] data::Batch<Scalar> gather(std::span<const Index> indices) const {
        for (const Index i : indices)
            require_file(i);
        const Pair size = options_.size == Pair{} ? fixed_ : options_.size;
        auto input = Tensor<Scalar>::empty({static_cast<Index>(indices.size()), size.height, size.width, options_.channels});
        auto* to = input.data();
        for (const Index i : indices) {
            const auto one = image(i);
            to = std::copy(one.begin(), one.end(), to);
        }
        return {std::move(input), targets_.map([&](const auto&, const auto& whole) { return whole.gather(indices); })};
    }

    /// The set of the files that `indices` lists, such as those of a fold. @throws ValueError for a number that there is not
    [[nodiscard]] ImageSet subset(std::span<const Index> indices) const {
        ImageSet result = *this;
        result.paths_.clear();
        result.numbers_.clear();
        for (const Index i : indices) {
            require_file(i);
            result.paths_.push_back(paths_[static_cast<std::size_t>(i)]);
            result.numbers_.push_back(numbers_[static_cast<std::size_t>(i)]);
        }
        result.targets_ = targets_.map([&](const auto&, const auto& whole) { return whole.gather(indices); });
        return result;
    }

private:
    void require_file(Index i) const {
        require<ValueError>(i >= 0 && i < size(), "image_set", "expected a sample in [0, ", size(), "), got ", i);
    }
    [[nodiscard]] std::string place(Index i) const { return place_ ? place_(numbers_[static_cast<std::size_t>(i)]) : std::string{}; }

    [[nodiscard]] Tensor<Scalar> read(Index i) const {
        try {
            const auto& path = paths_[static_cast<std::size_t>(i)];
            auto pixels = to_tensor<Scalar>(
                options_.background
                    ? with_channels(over_background(read_image(path, {.max_pixels = options_.max_pixels}), *options_.background),
                                    options_.channels)
                    : read_image(path, {.channels = options_.channels, .max_pixels = options_.max_pixels}));
            return options_.size == Pair{} ? std::move(pixels) : resize(pixels, options_.size, options_.antialias);
        } catch (IoError& error) {
            error.append(place(i));
            throw;
        }
    }

    std::vector<std::filesystem::path> paths_;
    std::vector<Index> numbers_;  // of the files in the set that this is a part of
    losses::Targets<Scalar> targets_;
    ImageSetOptions options_;
    std::function<std::string(Index)> place_;
    Pair fixed_;  // of the first image, where the options say no size
};

}  // namespace espalier::inline ESPALIER_ABI::io::inline ESPALIER_PNG::inline ESPALIER_JPEG
