// SPDX-License-Identifier: MIT
/// @file One row for each differentiable operation; golden values, gradcheck, cotangents and errors are driven by it.
///
/// A new operation needs a row here (in `rows/`) and cases in `tests/golden/make_golden.py`, and is then tested by all of them.
#pragma once

#include <espalier/autograd/backward.hpp>
#include <espalier/autograd/variable.hpp>
#include <espalier/kernels/window.hpp>

#include <algorithm>
#include <cmath>
#include <functional>
#include <initializer_list>
#include <map>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace registry {

using espalier::Index;
using espalier::Pair;
using espalier::Random;
using espalier::Shape;
using espalier::Tensor;
using espalier::Variable;

template <class Scalar>
using Variables = std::vector<Variable<Scalar>>;

/// What an operation takes beside its differentiable inputs: lists of numbers by name.
class Attributes {
public:
    Attributes() = default;
    Attributes(std::initializer_list<std::pair<const std::string, std::vector<double>>> values) : values_{values} {}

    void set(const std::string& name, std::vector<double> values) { values_[name] = std::move(values); }
    void set(const std::string& name, const std::vector<Index>& values) { values_[name].assign(values.begin(), values.end()); }
    void set(const std::string& name, Pair pair) { values_[name] = {static_cast<double>(pair.height), static_cast<double>(pair.width)}; }
    void set(const std::string& name, const Shape& shape) { values_[name].assign(shape.begin(), shape.end()); }
    bool contains(const std::string& name) const { return values_.count(name) != 0; }
    const std::vector<double>& list(const std::string& name) const { return values_.at(name); }
    std::vector<Index> indices(const std::string& name) const { return {list(name).begin(), list(name).end()}; }
    double number(const std::string& name, double otherwise = 0) const { return contains(name) ? list(name).at(0) : otherwise; }
    Index index(const std::string& name, Index otherwise = 0) const {
        return contains(name) ? static_cast<Index>(list(name).at(0)) : otherwise;
    }
    bool flag(const std::string& name) const { return number(name) != 0; }
    Pair pair(const std::string& name, Pair otherwise) const {
        return contains(name) ? Pair{indices(name).at(0), indices(name).at(1)} : otherwise;
    }
    Shape shape(const std::string& name) const { return Shape{std::span<const Index>{indices(name)}}; }
    template <class Scalar>
    Tensor<Scalar> tensor(const std::string& name, const Shape& shape) const {
        const auto& values = list(name);
        auto result = Tensor<Scalar>::empty(shape);
        for (Index i = 0; i < result.numel(); ++i)
            result[i] = static_cast<Scalar>(values.at(static_cast<std::size_t>(i)));
        return result;
    }

private:
    std::map<std::string, std::vector<double>> values_;
};

/// Inputs at which the operation is differentiable, with a margin that finite differences cannot cross.
struct Draw {
    std::vector<Tensor<double>> inputs;
    Attributes attributes = {};
};

/// A call that must throw, and all of what it says.
struct Refusal {
    std::function<void()> call;
    std::string message;
};

struct Row {
    std::string name;
    std::function<Variable<float>(const Variables<float>&, const Attributes&)> apply_float;
    std::function<Variable<double>(const Variables<double>&, const Attributes&)> apply_double;
    std::function<Draw(Random&)> random;
    std::vector<Refusal> refusals;

    template <class Scalar>
    Variable<Scalar> apply(const Variables<Scalar>& inputs, const Attributes& attributes) const {
        if constexpr (std::is_same_v<Scalar, float>)
            return apply_float(inputs, attributes);
        else
            return apply_double(inputs, attributes);
    }
};

template <class Apply>
Row row(std::string name, Apply apply, std::function<Draw(Random&)> random, std::vector<Refusal> refusals = {}) {
    return {std::move(name), apply, apply, std::move(random), std::move(refusals)};
}

using Rows = std::vector<Row>;
Rows arithmetic_rows();
Rows activation_rows();
Rows product_rows();
Rows image_rows();
Rows normalization_rows();
Rows shape_rows();
Rows loss_rows();
Rows detection_rows();
Rows dense_rows();
Rows dense_layer_rows();
Rows attention_rows();
Rows sequence_rows();
Rows sequence_layer_rows();
Rows ranking_rows();
Rows recommend_rows();

/// All of them.
const Rows& rows();
/// @throws std::out_of_range
const Row& row_named(const std::string& name);

/// From `low` to `high`, both included.
inline Index between(Random& random, Index low, Index high) { return low + random.below(high - low + 1); }
inline Pair pair_between(Random& random, Index low, Index high) {
    const Index height = between(random, low, high);
    return {height, between(random, low, high)};
}
/// Fits an index, and hardly any product of two.
constexpr Index huge = Index{1} << 62;
/// Extents from 1 to `largest`, a quarter of them 1.
Shape random_shape(Random& random, Index low_rank, Index high_rank, Index largest = 4);
Tensor<double> normal(const Shape& shape, Random& random);
/// In [0.3, 3).
Tensor<double> positive(const Shape& shape, Random& random);
/// Values at least 0.02 apart, none nearer to 0 than 0.01.
Tensor<double> apart(const Shape& shape, Random& random);
/// Zeros as a constant, for calls that are refused before anything is read.
inline Variable<double> zeros(const Shape& shape) { return Tensor<double>{shape}; }

/// The largest difference of two entries over the largest entry of `expected`, with a floor of 1e-30: the norm that all
/// tolerances of these tests are in. Infinite for other shapes or NaN.
template <class Scalar>
double difference(const Tensor<Scalar>& got, const Tensor<double>& expected) {
    if (got.shape() != expected.shape())
        return INFINITY;
    double worst = 0;
    double largest = 1e-30;
    for (Index i = 0; i < got.numel(); ++i) {
        const double error = std::abs(static_cast<double>(got[i]) - expected[i]);
        worst = std::isnan(error) ? INFINITY : std::max(worst, error);
        largest = std::max(largest, std::abs(expected[i]));
    }
    return worst / largest;
}

}  // namespace registry
