// SPDX-License-Identifier: MIT
#include "autograd/registry.hpp"

#include <iterator>
#include <stdexcept>

namespace registry {

const Rows& rows() {
    static const Rows all = [] {
        Rows result;
        for (auto part :
             {arithmetic_rows, activation_rows, product_rows, image_rows, normalization_rows, shape_rows, loss_rows, detection_rows,
              dense_rows, dense_layer_rows, attention_rows, sequence_rows, sequence_layer_rows, ranking_rows, recommend_rows}) {
            Rows more = part();
            std::move(more.begin(), more.end(), std::back_inserter(result));
        }
        return result;
    }();
    return all;
}

const Row& row_named(const std::string& name) {
    for (const Row& row : rows())
        if (row.name == name)
            return row;
    throw std::out_of_range{"no row of the registry is named " + name};
}

Shape random_shape(Random& random, Index low_rank, Index high_rank, Index largest) {
    Shape shape;
    for (Index axis = between(random, low_rank, high_rank); axis > 0; --axis)
        shape.append(random.below(4) == 0 ? 1 : between(random, 1, largest));
    return shape;
}

Tensor<double> normal(const Shape& shape, Random& random) { return Tensor<double>::normal(shape, random); }

Tensor<double> positive(const Shape& shape, Random& random) { return Tensor<double>::uniform(shape, random, 0.3, 3.0); }

Tensor<double> apart(const Shape& shape, Random& random) {
    Tensor<double> result{shape};
    const auto order = random.permutation(result.numel());
    for (Index i = 0; i < result.numel(); ++i)
        result[i] = (static_cast<double>(order[static_cast<std::size_t>(i)] - result.numel() / 2) + 0.5) * 0.05 +
                    random.uniform(-0.01, 0.01);
    return result;
}

}  // namespace registry
