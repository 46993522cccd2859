// SPDX-License-Identifier: MIT
/// @file The extents of a tensor: up to eight of them, kept without allocating.
#pragma once

#include <espalier/core/config.hpp>
#include <espalier/core/error.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <initializer_list>
#include <limits>
#include <ostream>
#include <span>

namespace espalier::inline ESPALIER_ABI {

/// A list of extents, outermost first; `()` is the shape of a scalar. Prints as `(64, 28, 28, 1)`.
class Shape {
public:
    static constexpr Index max_rank = 8;

    Shape() noexcept = default;
    Shape(std::initializer_list<Index> extents) : Shape{std::span{extents.begin(), extents.size()}} {}
    /// @throws ShapeError for more than eight extents, a negative one, or more elements than an Index counts.
    explicit Shape(std::span<const Index> extents) {
        for (const Index extent : extents)
            append(extent);
    }

    [[nodiscard]] Index rank() const noexcept { return rank_; }
    [[nodiscard]] Index numel() const noexcept { return numel_; }
    [[nodiscard]] const Index* begin() const& noexcept { return extents_.data(); }
    [[nodiscard]] const Index* end() const& noexcept { return extents_.data() + rank_; }
    const Index* begin() const&& = delete;  // would point into a temporary
    const Index* end() const&& = delete;

    /// Extent of an axis; negative axes count from the end. @throws ShapeError if there is no such axis.
    [[nodiscard]] Index operator[](Index axis) const { return extents_[static_cast<std::size_t>(normalize(axis))]; }
    [[nodiscard]] Index back() const { return (*this)[-1]; }

    /// The axis counted from 0. @throws ShapeError if there is no such axis.
    [[nodiscard]] Index normalize(Index axis) const {
        const Index positive = axis < 0 ? axis + rank_ : axis;
        require<ShapeError>(positive >= 0 && positive < rank_, "shape", "expected an axis of ", *this, ", got ", axis);
        return positive;
    }

    /// Product of the extents of axes [first, last), 1 for none. @throws ShapeError unless 0 <= first <= last <= rank.
    [[nodiscard]] Index product(Index first, Index last) const {
        require_axes(first, last);
        Index result = 1;
        for (Index i = first; i < last; ++i)
            result *= extents_[static_cast<std::size_t>(i)];
        return result;
    }

    /// The same shape with one extent replaced, one axis removed, or a new leading axis.
    [[nodiscard]] Shape with(Index axis, Index extent) const {
        Shape result;
        axis = normalize(axis);
        for (Index i = 0; i < rank_; ++i)
            result.append(i == axis ? extent : (*this)[i]);
        return result;
    }
    [[nodiscard]] Shape without(Index axis) const {
        Shape result;
        axis = normalize(axis);
        for (Index i = 0; i < rank_; ++i)
            if (i != axis)
                result.append((*this)[i]);
        return result;
    }
    [[nodiscard]] Shape prepended(Index extent) const {
        Shape result{extent};
        for (const Index other : *this)
            result.append(other);
        return result;
    }
    /// Axes [first, last) alone. @throws ShapeError as `product`.
    [[nodiscard]] Shape axes(Index first, Index last) const {
        require_axes(first, last);
        Shape result;
        for (Index i = first; i < last; ++i)
            result.append((*this)[i]);
        return result;
    }

    /// Adds an innermost extent. No axes together have more elements than can be addressed, whether or not another is 0.
    /// @throws ShapeError as the constructor.
    void append(Index extent) {
        require<ShapeError>(rank_ < max_rank, "shape", "expected at most ", max_rank, " axes, got more");
        require<ShapeError>(extent >= 0, "shape", "expected extents of at least 0, got ", extent);
        Index others = numel_;
        if (others == 0) {  // the other axes are multiplied without it as well, by `product`
            others = 1;
            for (Index axis = 0; axis < rank_; ++axis)
                others *= std::max<Index>(extents_[static_cast<std::size_t>(axis)], 1);
        }
        require<ShapeError>(extent == 0 || others <= std::numeric_limits<Index>::max() / 16 / extent, "shape",
                            "expected fewer elements than can be addressed, got ", others, " x ", extent);
        extents_[static_cast<std::size_t>(rank_++)] = extent;
        numel_ *= extent;
    }

    friend bool operator==(const Shape& a, const Shape& b) noexcept { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

    friend std::ostream& operator<<(std::ostream& out, const Shape& shape) {
        return detail::print_classic(out, [&](std::ostream& text) {
            text << '(';
            for (Index i = 0; i < shape.rank_; ++i)
                text << (i ? ", " : "") << shape[i];
            text << (shape.rank_ == 1 ? ",)" : ")");
        });
    }

private:
    void require_axes(Index first, Index last) const {
        require<ShapeError>(first >= 0 && first <= last && last <= rank_, "shape", "expected a range of the axes of ", *this, ", got [",
                            first, ", ", last, ")");
    }

    std::array<Index, max_rank> extents_{};
    Index rank_ = 0;
    Index numel_ = 1;
};

}  // namespace espalier::inline ESPALIER_ABI
