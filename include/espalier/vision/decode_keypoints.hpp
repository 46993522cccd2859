// SPDX-License-Identifier: MIT
/// @file What maps of key points say: the place of the highest cell of each.
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/tensor/tensor.hpp>

namespace espalier::inline ESPALIER_ABI::vision {
namespace detail {

/// x, y and score of the highest cell of a map whose cells are `count` elements apart.
template <class Scalar>
void decode_keypoint(const Scalar* map, Index height, Index width, Index count, Index stride, Scalar* out) {
    Index best = 0;
    for (Index cell = 1; cell < height * width; ++cell)
        if (map[cell * count] > map[best * count] || is_nan(map[best * count]))
            best = cell;
    const auto place = [&](Index at, Index size, Index step) {
        Scalar result = static_cast<Scalar>(at) + Scalar(0.5);
        if (at > 0 && at + 1 < size) {
            const Scalar before = map[(best - step) * count], after = map[(best + step) * count];
            result += Scalar(0.25) * static_cast<Scalar>((after > before) - (after < before));
        }
        return result * static_cast<Scalar>(stride);
    };
    out[2] = map[best * count];
    const bool found = !is_nan(out[2]);
    out[0] = found ? place(best % width, width, 1) : out[2];
    out[1] = found ? place(best / width, height, width) : out[2];
}

}  // namespace detail

/// The key points that maps (N, h, w, K) of a `keypoint_head` say, (N, K, 3): x and y in pixels and, as score, the value of the highest
/// cell, of equals the first, row by row. The place is the middle of that cell, moved by a quarter of a cell along each axis towards the
/// higher of its two neighbours there, if it has both (Newell, Yang and Deng, Stacked Hourglass Networks, ECCV 2016). Values that are NaN
/// are passed over; of a map that has no other, all three are NaN.
/// @throws ShapeError for another shape or maps without cells, ValueError for a stride that is not above 0
template <class Scalar>
[[nodiscard]] Tensor<Scalar> decode_keypoints(const Tensor<Scalar>& maps, Index stride = 4) {
    require<ValueError>(stride > 0, "decode_keypoints", "expected a stride above 0, got ", stride);
    require<ShapeError>(maps.rank() == 4 && maps.size(1) > 0 && maps.size(2) > 0, "decode_keypoints", "expected maps (N, h, w, K), got ",
                        maps.shape());
    const Index height = maps.size(1), width = maps.size(2), count = maps.size(3);
    Tensor<Scalar> result{Shape{maps.size(0), count, 3}};
    parallel_for(maps.size(0), 1, [&](Index begin, Index end) {
        for (Index n = begin; n < end; ++n)
            for (Index k = 0; k < count; ++k)
                detail::decode_keypoint(maps.data() + n * height * width * count + k, height, width, count, stride,
                                        result.data() + (n * count + k) * 3);
    });
    return result;
}

}  // namespace espalier::inline ESPALIER_ABI::vision
