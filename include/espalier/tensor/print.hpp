// SPDX-License-Identifier: MIT
/// @file Printing of tensors, nested like the axes, long axes shortened in the middle.
#pragma once

#include <espalier/tensor/tensor.hpp>

#include <ostream>

namespace espalier::inline ESPALIER_ABI {
namespace detail {

template <class Scalar>
void print_axis(std::ostream& out, const Tensor<Scalar>& tensor, Index axis, Index first) {
    if (axis == tensor.rank()) {
        out << +tensor[first];
        return;
    }
    constexpr Index edge = 3;  // entries shown at either end of an axis that is cut
    const Index extent = tensor.size(axis);
    const Index stride = tensor.shape().product(axis + 1, tensor.rank());
    out << '[';
    for (Index i = 0; i < extent; ++i) {
        if (i > 0)
            out << (axis + 1 == tensor.rank() ? ", " : ",\n" + std::string(static_cast<std::size_t>(axis) + 1, ' '));
        if (extent > 2 * edge + 2 && i == edge) {
            out << "...";
            i = extent - edge - 1;
            continue;
        }
        print_axis(out, tensor, axis + 1, first + i * stride);
    }
    out << ']';
}

}  // namespace detail

/// `[[1, 2],\n [3, 4]] (2, 2)`, with the precision and flags of the stream; numbers as in C++ whatever its locale.
template <class Scalar>
std::ostream& operator<<(std::ostream& out, const Tensor<Scalar>& tensor) {
    return detail::print_classic(out, [&](std::ostream& text) {
        detail::print_axis(text, tensor, 0, 0);
        text << ' ' << tensor.shape();
    });
}

}  // namespace espalier::inline ESPALIER_ABI
