// SPDX-License-Identifier: MIT
/// @file Random changes of the values of images, which leave everything where it is: brightness, contrast, saturation, noise.
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/core/random.hpp>
#include <espalier/data/augment/options.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::data {

/// Designated initialisers stand in this order.
struct ColorOptions {
    std::array<double, 2> range = {0, 1};  ///< to which new values are cut, such as {0, 255}; infinite ones cut nothing
    std::string input = {};                ///< which input holds the images, where a batch has inputs by name
};

/// How much `color_jitter` changes: each factor is drawn uniformly from [max(0, 1 - x), 1 + x]; nothing is done for an x of 0.
/// Designated initialisers stand in this order.
struct JitterOptions {
    double brightness = 0;
    double contrast = 0;
    double saturation = 0;
};

namespace detail {

/// @throws ValueError for a range that is none
[[nodiscard]] inline ColorOptions checked(const char* operation, ColorOptions options) {
    require<ValueError>(options.range[0] <= options.range[1], operation, "expected a range from low to high, got ", options.range[0],
                        " to ", options.range[1]);
    return options;
}

/// The grey value of a pixel, as ITU-R BT.601 and torchvision have it.
template <class Scalar>
[[nodiscard]] Scalar grey(const Scalar* pixel, Index channels) {
    return channels == 1
               ? pixel[0]
               : static_cast<Scalar>(0.2989) * pixel[0] + static_cast<Scalar>(0.587) * pixel[1] + static_cast<Scalar>(0.114) * pixel[2];
}

/// The images of a batch, one by one; each is blended with black, its mean grey and its own greys, in an order that is drawn as well.
class ColorJitter {
public:
    ColorJitter(const char* name, JitterOptions jitter, ColorOptions options)
        : name_{name}, most_{jitter.brightness, jitter.contrast, jitter.saturation}, options_{checked(name, std::move(options))} {
        for (const double most : most_)
            require<ValueError>(most >= 0 && is_finite(most), name, "expected finite changes of at least 0, got ", most);
    }

    template <class Scalar>
    void operator()(Batch<Scalar>& batch, Random& random) const {
        const Shape& shape = checked_images(name_, batch, options_.input);
        const Index channels = shape[3];
        require<ShapeError>(channels == 1 || channels == 3 || (most_[contrast] == 0 && most_[saturation] == 0), name_,
                            "expected images (N, H, W, C) of 1 or 3 channels, which have a grey value, got shape ", shape);
        change_images(batch, options_.input, [&](Tensor<Scalar>& images) {
            const Index numel = images.shape().product(1, 4);
            for (Index i = 0; i < images.size(0); ++i) {
                const std::vector<Index> order = random.permutation(3);
                std::array<double, 3> factors{};
                for (std::size_t k = 0; k < 3; ++k)
                    factors[k] = random.uniform(std::max(0.0, 1 - most_[k]), 1 + most_[k]);
                for (const Index step : order)
                    if (const auto k = static_cast<std::size_t>(step); most_[k] > 0)
                        blend(images.data() + i * numel, numel / std::max<Index>(channels, 1), channels, k,
                              static_cast<Scalar>(factors[k]));
            }
        });
    }

private:
    static constexpr std::size_t brightness = 0, contrast = 1, saturation = 2;

    /// `factor` of the image and 1 - `factor` of what is compared with it: black, its mean grey, the grey of each pixel.
    template <class Scalar>
    void blend(Scalar* image, Index pixels, Index channels, std::size_t what, Scalar factor) const {
        const auto low = static_cast<Scalar>(options_.range[0]), high = static_cast<Scalar>(options_.range[1]);
        double mean = 0;
        if (what == contrast)
            for (Index p = 0; p < pixels; ++p)
                mean += static_cast<double>(grey(image + p * channels, channels)) / static_cast<double>(pixels);
        const auto middle = static_cast<Scalar>(mean);
        for (Index p = 0; p < pixels; ++p, image += channels) {
            const Scalar other = what == saturation ? grey(image, channels) : middle;
            for (Index c = 0; c < channels; ++c)
                image[c] = std::clamp(factor * image[c] + (1 - factor) * other, low, high);
        }
    }

    const char* name_;
    std::array<double, 3> most_;
    ColorOptions options_;
};

class RandomNoise {
public:
    RandomNoise(double stddev, ColorOptions options) : stddev_{stddev}, options_{checked("random_noise", std::move(options))} {
        require<ValueError>(stddev >= 0 && is_finite(stddev), "random_noise", "expected a finite deviation of at least 0, got ", stddev);
    }

    template <class Scalar>
    void operator()(Batch<Scalar>& batch, Random& random) const {
        static_cast<void>(checked_images("random_noise", batch, options_.input));
        const auto low = static_cast<Scalar>(options_.range[0]), high = static_cast<Scalar>(options_.range[1]);
        if (stddev_ > 0)
            change_images(batch, options_.input, [&](Tensor<Scalar>& images) {
                for (Scalar& value : images)
                    value = std::clamp(value + static_cast<Scalar>(stddev_) * random.normal<Scalar>(), low, high);
            });
    }

private:
    double stddev_;
    ColorOptions options_;
};

class Normalize {
public:
    Normalize(std::vector<double> mean, std::vector<double> stddev, std::string input)
        : mean_{std::move(mean)}, stddev_{std::move(stddev)}, input_{std::move(input)} {
        require<ValueError>(!mean_.empty() && mean_.size() == stddev_.size(), "normalize",
                            "expected as many means as deviations, one for each channel, got ", mean_.size(), " and ", stddev_.size());
        for (std::size_t c = 0; c < mean_.size(); ++c)
            require<ValueError>(is_finite(mean_[c]) && stddev_[c] > 0 && is_finite(stddev_[c]), "normalize",
                                "expected finite means and deviations above 0, got ", mean_[c], " and ", stddev_[c], " of channel ", c);
    }

    template <class Scalar>
    void operator()(Batch<Scalar>& batch, Random&) const {
        const Shape& shape = checked_images("normalize", batch, input_);
        require<ShapeError>(mean_.size() == 1 || shape[3] == static_cast<Index>(mean_.size()), "normalize", "expected images of ",
                            mean_.size(), " channels, of which there are means and deviations, got shape ", shape);
        change_images(batch, input_, [&](Tensor<Scalar>& images) {
            for (Index i = 0; i < images.numel(); ++i) {
                const auto c = static_cast<std::size_t>(i) % mean_.size();
                images[i] = (images[i] - static_cast<Scalar>(mean_[c])) / static_cast<Scalar>(stddev_[c]);
            }
        });
    }

private:
    std::vector<double> mean_;
    std::vector<double> stddev_;
    std::string input_;
};

}  // namespace detail

/// Changes brightness, contrast and saturation of each image by factors of its own, in random order, as torchvision's ColorJitter: it is
/// blended with black, with its mean grey, and with the greys of its pixels. An image of one channel is its own grey.
/// @throws ValueError for a negative number or a range that is none; when called ShapeError for what is no image, and unless it has 1 or
/// 3 channels where contrast or saturation change; StateError for an input that is not there
[[nodiscard]] inline auto color_jitter(JitterOptions jitter, ColorOptions options = {}) {
    return detail::ColorJitter{"color_jitter", jitter, std::move(options)};
}
/// Multiplies each image by a factor in [max(0, 1 - max), 1 + max]; any number of channels. @throws as `color_jitter`
[[nodiscard]] inline auto random_brightness(double max, ColorOptions options = {}) {
    return detail::ColorJitter{"random_brightness", {.brightness = max}, std::move(options)};
}
/// Draws the pixels of each image away from its mean grey, or to it, by a factor in [max(0, 1 - max), 1 + max]. @throws as `color_jitter`
[[nodiscard]] inline auto random_contrast(double max, ColorOptions options = {}) {
    return detail::ColorJitter{"random_contrast", {.contrast = max}, std::move(options)};
}
/// Adds normal noise of that deviation to each value, drawn anew, as torchvision's GaussianNoise. @throws ValueError for a negative number
/// or a range that is none; when called ShapeError for what is no image, StateError for an input that is not there
[[nodiscard]] inline auto random_noise(double stddev, ColorOptions options = {}) { return detail::RandomNoise{stddev, std::move(options)}; }
/// (x - mean) / stddev, one of each for every channel or one for all, as torchvision's Normalize; `input` says which input holds the images
/// where a batch has inputs by name. The validation needs the same: `nn::Standardize` keeps means and deviations in the net instead.
/// @throws ValueError for another number of means than of deviations, or one of them out of range; when called ShapeError for images of
/// other channels, StateError for an input that is not there
[[nodiscard]] inline auto normalize(std::vector<double> mean, std::vector<double> stddev, std::string input = {}) {
    return detail::Normalize{std::move(mean), std::move(stddev), std::move(input)};
}

}  // namespace espalier::inline ESPALIER_ABI::data
