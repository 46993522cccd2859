// SPDX-License-Identifier: MIT
/// @file The geometry that convolution and pooling share: a window that slides over an (H, W) image.
#pragma once

#include <espalier/core/config.hpp>
#include <espalier/core/error.hpp>

#include <algorithm>
#include <array>
#include <ostream>

namespace espalier::inline ESPALIER_ABI::kernels {

/// Two extents, (height, width); one number stands for both.
struct Pair {
    Index height = 0;
    Index width = 0;

    constexpr Pair() noexcept = default;
    constexpr Pair(Index both) noexcept : height{both}, width{both} {}
    constexpr Pair(Index h, Index w) noexcept : height{h}, width{w} {}

    friend constexpr bool operator==(Pair a, Pair b) noexcept { return a.height == b.height && a.width == b.width; }
    friend std::ostream& operator<<(std::ostream& out, Pair p) { return out << concat(p.height, 'x', p.width); }
};

struct Window {
    /// The largest of all options. What is made of two of them and an extent then needs no more than the bits of an Index.
    static constexpr Index most = (Index{1} << 31) - 1;

    Pair kernel;
    Pair stride{1};
    Pair padding{0};
    Pair dilation{1};
    bool ceil_mode = false;  ///< windows may reach over the end, if they begin in the image or in the padding before it

    /// @throws ValueError under the name of `operation` if the window is malformed.
    void require_valid(const char* operation) const {
        require<ValueError>(kernel.height > 0 && kernel.width > 0, operation, "expected a kernel of at least 1x1, got ", kernel);
        require<ValueError>(stride.height > 0 && stride.width > 0, operation, "expected a stride of at least 1, got ", stride);
        require<ValueError>(padding.height >= 0 && padding.width >= 0, operation, "expected a padding of at least 0, got ", padding);
        require<ValueError>(dilation.height > 0 && dilation.width > 0, operation, "expected a dilation of at least 1, got ", dilation);
        for (const Pair option : {kernel, stride, padding, dilation})
            require<ValueError>(option.height <= most && option.width <= most, operation,
                                "expected a kernel, stride, padding and dilation of at most ", most, ", got ", option);
    }

    /// Extents of the image that a window slid over `input` gives.
    /// @throws ShapeError, ValueError under the name of `operation` if the window is malformed or does not fit.
    [[nodiscard]] Pair output(const char* operation, Pair input) const {
        require_valid(operation);
        const Pair result{windows(input.height, reach().height, stride.height, padding.height),
                          windows(input.width, reach().width, stride.width, padding.width)};
        require<ShapeError>(result.height > 0 && result.width > 0, operation, "expected a padded image of at least ", reach(), ", got ",
                            input, " with padding ", padding);
        return result;
    }

    /// The same windows over `input` in numbers that none of its axes, padded, is shorter than: nobody sees the stride of a
    /// single window, nor the dilation of a single tap.
    [[nodiscard]] Window within(Pair input) const noexcept {
        const Pair size = padded(input);
        Window result = *this;
        result.stride = {std::min(stride.height, size.height), std::min(stride.width, size.width)};
        result.dilation = {std::min(dilation.height, size.height), std::min(dilation.width, size.width)};
        return result;
    }

    [[nodiscard]] Index taps() const noexcept { return kernel.height * kernel.width; }
    /// Extents of what a window covers.
    [[nodiscard]] Pair reach() const noexcept {
        return {(kernel.height - 1) * dilation.height + 1, (kernel.width - 1) * dilation.width + 1};
    }
    /// Extents of the image with its padding.
    [[nodiscard]] Pair padded(Pair input) const noexcept { return {input.height + 2 * padding.height, input.width + 2 * padding.width}; }

    /// How many windows of this reach and step there are along a side with `before` zeros at both ends; 0 if none fits.
    [[nodiscard]] Index windows(Index size, Index reach, Index step, Index before) const noexcept {
        const Index room = size + 2 * before - reach + (ceil_mode ? step - 1 : 0);
        if (room < 0)
            return 0;
        const Index last = room / step;
        return ceil_mode && last * step >= size + before ? last : last + 1;
    }
};

}  // namespace espalier::inline ESPALIER_ABI::kernels

namespace espalier::inline ESPALIER_ABI {
using kernels::Pair;
}  // namespace espalier::inline ESPALIER_ABI
