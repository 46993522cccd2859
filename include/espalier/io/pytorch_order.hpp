// SPDX-License-Identifier: MIT
/// @file In which order PyTorch has the elements that this library has in the order of channels-last images.
#pragma once

#include <espalier/io/layout.hpp>
#include <espalier/tensor/tensor.hpp>

#include <algorithm>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::io::detail {

/// How the elements of one sample lie here and in PyTorch, as pieces one after the other. A piece of P pixels and C channels
/// is (pixel, channel) here and (channel, pixel) there; with one pixel or one channel both are the same, a plain piece.
class Order {
public:
    /// The same order in both.
    [[nodiscard]] static Order plain(Index count) {
        Order order;
        order.append({1, count});
        return order;
    }
    /// A flattened image.
    [[nodiscard]] static Order image(Index pixels, Index channels) {
        Order order;
        order.append({pixels, channels});
        return order;
    }
    /// What comes of a concatenation.
    void append(const Order& other) {
        for (const Piece& piece : other.pieces_)
            append(piece);
    }

    [[nodiscard]] Index size() const noexcept {
        Index count = 0;
        for (const Piece& piece : pieces_)
            count += piece.pixels * piece.channels;
        return count;
    }
    [[nodiscard]] bool is_plain() const noexcept { return pieces_.empty() || (pieces_.size() == 1 && pieces_.front().pixels == 1); }
    friend bool operator==(const Order& a, const Order& b) noexcept {
        return std::equal(a.pieces_.begin(), a.pieces_.end(), b.pieces_.begin(), b.pieces_.end(),
                          [](const Piece& x, const Piece& y) { return x.pixels == y.pixels && x.channels == y.channels; });
    }

    /// For each element here, where it lies in PyTorch.
    [[nodiscard]] std::vector<Index> positions() const {
        std::vector<Index> result;
        result.reserve(static_cast<std::size_t>(size()));
        Index first = 0;
        for (const Piece& piece : pieces_) {
            for (Index pixel = 0; pixel < piece.pixels; ++pixel)
                for (Index channel = 0; channel < piece.channels; ++channel)
                    result.push_back(first + channel * piece.pixels + pixel);
            first += piece.pixels * piece.channels;
        }
        return result;
    }

private:
    struct Piece {
        Index pixels;
        Index channels;
    };

    /// Plain pieces are (1, count) and grow together, so that equal orders have equal pieces.
    void append(Piece piece) {
        if (piece.pixels == 1 || piece.channels == 1)
            piece = {1, piece.pixels * piece.channels};
        if (piece.pixels * piece.channels == 0)
            return;
        if (piece.pixels == 1 && !pieces_.empty() && pieces_.back().pixels == 1)
            pieces_.back().channels += piece.channels;
        else
            pieces_.push_back(piece);
    }

    std::vector<Piece> pieces_;
};

/// The order of a channels-last value of any rank, its batch axis aside.
[[nodiscard]] inline Order pixels_and_channels(const Shape& shape) {
    return Order::image(shape.product(1, shape.rank() - 1), shape.back());
}

/// What has to be turned over in one tensor of a model: nothing, the channels of an image or of a convolution's weight, or
/// its rows and columns.
struct TensorOrder {
    bool image = false;  ///< (H, W, C) or (N, H, W, C) here, (C, H, W) or (N, C, H, W) in PyTorch
    Order rows;          ///< of the first axis; empty if it is the same
    Order columns;       ///< of the second axis, likewise
    bool sequence = false;  ///< (O, K, I) here, (O, I, K) in PyTorch

    friend bool operator==(const TensorOrder& a, const TensorOrder& b) noexcept {
        return a.image == b.image && a.rows == b.rows && a.columns == b.columns && a.sequence == b.sequence;
    }
    [[nodiscard]] bool is_plain() const noexcept { return !image && !sequence && rows.is_plain() && columns.is_plain(); }
};

/// The shape that PyTorch's tensor has.
[[nodiscard]] inline Shape shape_in_pytorch(const TensorOrder& order, const Shape& shape) {
    if (order.sequence)
        return {shape[0], shape[2], shape[1]};
    if (!order.image)
        return shape;
    Shape result = shape.axes(0, shape.rank() - 3);
    for (const Index axis : {-1, -3, -2})
        result.append(shape[axis]);
    return result;
}

/// The rows and columns of one side put where the other has them: `from_pytorch` reads at their places, else it writes there.
template <class Scalar>
[[nodiscard]] Tensor<Scalar> move_rows_and_columns(const Tensor<Scalar>& from, const TensorOrder& order, bool from_pytorch) {
    const Index height = from.size(0);
    const Index width = from.rank() > 1 ? from.shape().product(1, from.rank()) : 1;
    const auto rows = (order.rows.is_plain() ? Order::plain(height) : order.rows).positions();
    const auto columns = (order.columns.is_plain() ? Order::plain(width) : order.columns).positions();
    auto to = Tensor<Scalar>::empty(from.shape());
    for (Index r = 0; r < height; ++r)
        for (Index c = 0; c < width; ++c) {
            const Index here = r * width + c;
            const Index there = rows[static_cast<std::size_t>(r)] * width + columns[static_cast<std::size_t>(c)];
            to[from_pytorch ? here : there] = from[from_pytorch ? there : here];
        }
    return to;
}

/// (O, A, B) as (O, B, A).
template <class Scalar>
[[nodiscard]] Tensor<Scalar> swap_last_axes(const Tensor<Scalar>& from) {
    auto to = Tensor<Scalar>::empty({from.size(0), from.size(2), from.size(1)});
    transpose_inner(from.data(), from.size(0), from.size(1), from.size(2), to.data());
    return to;
}

/// PyTorch's tensor as it lies here.
template <class Scalar>
[[nodiscard]] Tensor<Scalar> from_pytorch(const Tensor<Scalar>& tensor, const TensorOrder& order) {
    if (order.is_plain())
        return tensor;
    if (order.sequence)
        return swap_last_axes(tensor);
    if (!order.image)
        return move_rows_and_columns(tensor, order, true);
    return tensor.rank() == 4
               ? from_nchw(tensor)
               : from_nchw(tensor.reshape(tensor.shape().prepended(1))).reshape({tensor.size(1), tensor.size(2), tensor.size(0)});
}

/// A tensor as it lies in PyTorch: undoes `from_pytorch`.
template <class Scalar>
[[nodiscard]] Tensor<Scalar> to_pytorch(const Tensor<Scalar>& tensor, const TensorOrder& order) {
    if (order.is_plain())
        return tensor;
    if (order.sequence)
        return swap_last_axes(tensor);
    if (!order.image)
        return move_rows_and_columns(tensor, order, false);
    return tensor.rank() == 4
               ? to_nchw(tensor)
               : to_nchw(tensor.reshape(tensor.shape().prepended(1))).reshape({tensor.size(2), tensor.size(0), tensor.size(1)});
}

}  // namespace espalier::inline ESPALIER_ABI::io::detail
