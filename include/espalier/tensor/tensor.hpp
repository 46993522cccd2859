// SPDX-License-Identifier: MIT
/// @file Dense, row-major, 64-byte aligned arrays with value semantics.
#pragma once

#include <espalier/core/draw_each.hpp>
#include <espalier/core/memory.hpp>
#include <espalier/core/random.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/tensor/shape.hpp>

#include <algorithm>
#include <concepts>
#include <cstring>
#include <initializer_list>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI {

/// An array of `Scalar` in row-major order. Copying copies the elements, moving does not; images are (N, H, W, C).
///
/// `alias()` is the one way to two tensors over the same memory, and says so. A default-constructed tensor has shape
/// `(0,)`.
template <class Scalar = float>
class Tensor {
    static_assert(std::is_arithmetic_v<Scalar>);

public:
    using value_type = Scalar;

    Tensor() : shape_{0} {}
    /// Zeros.
    explicit Tensor(const Shape& shape) : Tensor{empty(shape)} {
        for_pieces([this](Index begin, Index end) { std::fill(data_ + begin, data_ + end, Scalar(0)); });
    }
    /// @throws ShapeError unless there are as many values as the shape has elements.
    Tensor(const Shape& shape, std::span<const Scalar> values) : Tensor{empty(shape)} {
        require<ShapeError>(static_cast<Index>(values.size()) == numel(), "tensor", "expected ", numel(), " values for shape ", shape,
                            ", got ", values.size());
        std::copy(values.begin(), values.end(), data());
    }
    Tensor(const Shape& shape, std::initializer_list<Scalar> values) : Tensor{shape, std::span{values.begin(), values.size()}} {}

    ESPALIER_NOINLINE Tensor(const Tensor& other) : Tensor{empty(other.shape_)} {
        for_pieces([this, from = other.data_](Index begin, Index end) { std::copy(from + begin, from + end, data_ + begin); });
    }
    ESPALIER_NOINLINE Tensor(Tensor&& other) noexcept
        : shape_{std::exchange(other.shape_, Shape{0})}, buffer_{std::move(other.buffer_)}, data_{std::exchange(other.data_, nullptr)} {}
    ESPALIER_NOINLINE Tensor& operator=(Tensor other) noexcept {
        std::swap(shape_, other.shape_);
        std::swap(buffer_, other.buffer_);
        std::swap(data_, other.data_);
        return *this;
    }
    ~Tensor() = default;

    /// Uninitialised elements.
    [[nodiscard]] static Tensor empty(const Shape& shape) {
        Tensor result;
        result.shape_ = shape;
        result.buffer_ = Buffer{static_cast<std::size_t>(shape.numel()) * sizeof(Scalar)};
        result.data_ = static_cast<Scalar*>(result.buffer_.data());
        return result;
    }
    [[nodiscard]] static Tensor zeros(const Shape& shape) { return Tensor{shape}; }
    [[nodiscard]] static Tensor ones(const Shape& shape) { return full(shape, Scalar(1)); }
    [[nodiscard]] static Tensor full(const Shape& shape, Scalar value) {
        Tensor result = empty(shape);
        result.fill(value);
        return result;
    }
    [[nodiscard]] static Tensor scalar(Scalar value) { return full({}, value); }
    /// 0, 1, ..., n-1.
    [[nodiscard]] static Tensor arange(Index n) {
        Tensor result = empty({n});
        for (Index i = 0; i < n; ++i)
            result.data_[i] = static_cast<Scalar>(i);
        return result;
    }
    /// Uniform in [low, high).
    [[nodiscard]] static Tensor uniform(const Shape& shape, Random& random, Scalar low = 0, Scalar high = 1)
        requires std::floating_point<Scalar>
    {
        Tensor result = empty(shape);
        draw_each(result.numel(), random, 1, result.data(), [=](Random& stream) { return stream.uniform<Scalar>(low, high); });
        return result;
    }
    [[nodiscard]] static Tensor normal(const Shape& shape, Random& random, Scalar mean = 0, Scalar deviation = 1)
        requires std::floating_point<Scalar>
    {
        Tensor result = empty(shape);
        draw_each(result.numel(), random, 2, result.data(), [=](Random& stream) { return mean + deviation * stream.normal<Scalar>(); });
        return result;
    }

    [[nodiscard]] const Shape& shape() const& noexcept { return shape_; }
    [[nodiscard]] Shape shape() const&& noexcept { return shape_; }
    [[nodiscard]] Index rank() const noexcept { return shape_.rank(); }
    [[nodiscard]] Index numel() const noexcept { return shape_.numel(); }
    /// Extent of an axis; negative axes count from the end. @throws ShapeError
    [[nodiscard]] Index size(Index axis) const { return shape_[axis]; }

    [[nodiscard]] Scalar* data() & noexcept { return data_; }
    [[nodiscard]] const Scalar* data() const& noexcept { return data_; }
    [[nodiscard]] Scalar* begin() & noexcept { return data_; }
    [[nodiscard]] Scalar* end() & noexcept { return data_ + numel(); }
    [[nodiscard]] const Scalar* begin() const& noexcept { return data_; }
    [[nodiscard]] const Scalar* end() const& noexcept { return data_ + numel(); }
    [[nodiscard]] std::span<Scalar> span() & noexcept { return {data_, static_cast<std::size_t>(numel())}; }
    [[nodiscard]] std::span<const Scalar> span() const& noexcept { return {data_, static_cast<std::size_t>(numel())}; }
    // Of a temporary they would lead to memory that is somebody else's in the next line: give the tensor a name.
    const Scalar* data() const&& = delete;
    const Scalar* begin() const&& = delete;
    const Scalar* end() const&& = delete;
    std::span<const Scalar> span() const&& = delete;

    /// The i-th element in row-major order, unchecked.
    [[nodiscard]] Scalar& operator[](Index i) & noexcept { return data_[i]; }
    [[nodiscard]] Scalar operator[](Index i) const& noexcept { return data_[i]; }

    /// One element by its indices, checked. @throws ShapeError
    template <std::convertible_to<Index>... Indices>
    [[nodiscard]] Scalar& at(Indices... indices) & {
        return data_[offset({static_cast<Index>(indices)...})];
    }
    template <std::convertible_to<Index>... Indices>
    [[nodiscard]] Scalar at(Indices... indices) const& {
        return data_[offset({static_cast<Index>(indices)...})];
    }

    /// The only element. @throws ShapeError if there is more than one, or none.
    [[nodiscard]] Scalar item() const {
        require<ShapeError>(numel() == 1, "item", "expected one element, got shape ", shape_);
        return data_[0];
    }

    void fill(Scalar value) noexcept { std::fill(begin(), end(), value); }

    /// The same elements under another shape; on an rvalue nothing is copied. @throws ShapeError if the counts differ.
    [[nodiscard]] Tensor reshape(const Shape& shape) const& { return Tensor{*this}.reshape(shape); }
    [[nodiscard]] Tensor reshape(const Shape& shape) && {
        require<ShapeError>(shape.numel() == numel(), "reshape", "expected ", numel(), " elements as in ", shape_, ", got shape ", shape);
        shape_ = shape;
        return std::move(*this);
    }

    /// Copy of entries [first, last) of the batch axis. @throws ShapeError unless 0 <= first <= last <= size(0).
    [[nodiscard]] Tensor slice(Index first, Index last) const {
        require<ShapeError>(rank() > 0, "slice", "expected a batch axis, got shape ", shape_);
        require<ShapeError>(first >= 0 && first <= last && last <= size(0), "slice", "expected a range within [0, ", size(0), "], got [",
                            first, ", ", last, ")");
        const Index stride = shape_.product(1, rank());
        return Tensor{shape_.with(0, last - first), std::span{data_ + first * stride, static_cast<std::size_t>((last - first) * stride)}};
    }

    /// Copy of the entries of the batch axis that `indices` lists. @throws ShapeError, ValueError for a bad index.
    [[nodiscard]] Tensor gather(std::span<const Index> indices) const {
        require<ShapeError>(rank() > 0, "gather", "expected a batch axis, got shape ", shape_);
        const Index stride = shape_.product(1, rank());
        Tensor result = empty(shape_.with(0, static_cast<Index>(indices.size())));
        Scalar* to = result.data_;
        for (const Index i : indices) {
            require<ValueError>(i >= 0 && i < size(0), "gather", "expected indices in [0, ", size(0), "), got ", i);
            to = std::copy_n(data_ + i * stride, stride, to);
        }
        return result;
    }

    /// A tensor over the *same memory*: writing to one writes to the other, which stays alive as long as either does.
    /// It starts `first` elements in. @throws ShapeError if it would reach past the end.
    [[nodiscard]] Tensor alias(const Shape& shape, Index first = 0) {
        require<ShapeError>(first >= 0 && first <= numel() && shape.numel() <= numel() - first, "alias", "expected at most ", numel(),
                            " elements of ", shape_, ", got ", shape, " from element ", first);
        Tensor result;
        result.shape_ = shape;
        result.buffer_ = buffer_;
        result.data_ = data_ + first;
        return result;
    }

    /// The memory that this tensor and its aliases share; empty for a default-constructed one.
    [[nodiscard]] const Buffer& memory() const& noexcept { return buffer_; }
    const Buffer& memory() const&& = delete;

    /// Every element converted.
    template <class Other>
    [[nodiscard]] Tensor<Other> cast() const {
        auto result = Tensor<Other>::empty(shape_);
        std::transform(begin(), end(), result.begin(), [](Scalar v) { return static_cast<Other>(v); });
        return result;
    }

    /// Same shape and equal elements.
    friend bool operator==(const Tensor& a, const Tensor& b) noexcept {
        return a.shape_ == b.shape_ && std::equal(a.begin(), a.end(), b.begin());
    }

private:
    /// Large ones on all threads: one alone does not keep the memory busy.
    template <class Body>
    void for_pieces(const Body& body) {
        constexpr Index piece = 1 << 16;
        if (numel() <= piece)
            body(Index{0}, numel());
        else
            parallel_for(numel(), piece, body);
    }
    [[nodiscard]] Index offset(std::initializer_list<Index> indices) const {
        require<ShapeError>(static_cast<Index>(indices.size()) == rank(), "at", "expected ", rank(), " indices for shape ", shape_,
                            ", got ", indices.size());
        Index result = 0;
        Index axis = 0;
        for (const Index i : indices) {
            require<ShapeError>(i >= 0 && i < shape_[axis], "at", "expected an index in [0, ", shape_[axis], ") on axis ", axis, " of ",
                                shape_, ", got ", i);
            result = result * shape_[axis++] + i;
        }
        return result;
    }

    Shape shape_;
    Buffer buffer_;
    Scalar* data_ = nullptr;
};

}  // namespace espalier::inline ESPALIER_ABI
