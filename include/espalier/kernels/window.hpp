// SPDX-License-Identifier: MIT
/// @file The geometry that convolution and pooling share: a window that slides over an (H, W) image.
#pragma once

#include <espalier/core/config.hpp>
#include <espalier/core/error.hpp>

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
    Pair kernel;
    Pair stride{1};
    Pair padding{0};
    Pair dilation{1};

    /// Extents of the image that a window slid over `input` gives.
    /// @throws ShapeError, ValueError under the name of `operation` if the window is malformed or does not fit.
    [[nodiscard]] Pair output(const char* operation, Pair input) const {
        require<ValueError>(kernel.height > 0 && kernel.width > 0, operation, "expected a kernel of at least 1x1, got ", kernel);
        require<ValueError>(stride.height > 0 && stride.width > 0, operation, "expected a stride of at least 1, got ", stride);
        require<ValueError>(padding.height >= 0 && padding.width >= 0, operation, "expected a padding of at least 0, got ", padding);
        require<ValueError>(dilation.height > 0 && dilation.width > 0, operation, "expected a dilation of at least 1, got ", dilation);
        const Pair reach{(kernel.height - 1) * dilation.height + 1, (kernel.width - 1) * dilation.width + 1};
        require<ShapeError>(input.height + 2 * padding.height >= reach.height && input.width + 2 * padding.width >= reach.width,
                            operation, "expected a padded image of at least ", reach, ", got ", input, " with padding ", padding);
        return {(input.height + 2 * padding.height - reach.height) / stride.height + 1,
                (input.width + 2 * padding.width - reach.width) / stride.width + 1};
    }

    [[nodiscard]] Index taps() const noexcept { return kernel.height * kernel.width; }
};

}  // namespace espalier::inline ESPALIER_ABI::kernels

namespace espalier::inline ESPALIER_ABI {
using kernels::Pair;
}  // namespace espalier::inline ESPALIER_ABI
