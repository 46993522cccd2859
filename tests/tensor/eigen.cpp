// SPDX-License-Identifier: MIT
#include <espalier/tensor/eigen.hpp>

#include "catch.hpp"

#include <utility>

using namespace espalier;

namespace {

template <class T>
concept SeenAsMatrix = requires(T&& tensor) { as_matrix(std::forward<T>(tensor)); };
template <class T>
concept SeenAsArray = requires(T&& tensor) { as_array(std::forward<T>(tensor)); };

}  // namespace

TEST_CASE("a temporary has no view: it would outlive it", "[tensor][eigen]") {
    STATIC_REQUIRE((SeenAsMatrix<Tensor<float>&> && SeenAsMatrix<const Tensor<float>&>));
    STATIC_REQUIRE((SeenAsArray<Tensor<float>&> && SeenAsArray<const Tensor<float>&>));
    STATIC_REQUIRE_FALSE((SeenAsMatrix<Tensor<float>> || SeenAsMatrix<const Tensor<float>>));
    STATIC_REQUIRE_FALSE((SeenAsArray<Tensor<float>> || SeenAsArray<const Tensor<float>>));
}

TEMPLATE_TEST_CASE("a tensor is seen as a matrix without copying", "[tensor][eigen]", float, double) {
    auto tensor = Tensor<TestType>::arange(12).reshape({2, 2, 3});
    auto matrix = as_matrix(tensor);
    CHECK((matrix.rows() == 4 && matrix.cols() == 3));
    CHECK(matrix(3, 1) == TestType(10));
    matrix(0, 0) = 5;
    CHECK(tensor[0] == TestType(5));
    CHECK(as_matrix(std::as_const(tensor)).data() == tensor.data());
    as_array(tensor) += TestType(1);
    CHECK(tensor[11] == TestType(12));
    CHECK(as_array(std::as_const(tensor)).size() == 12);
}

TEST_CASE("scalars and empty tensors are matrices too", "[tensor][eigen]") {
    auto scalar = Tensor<float>::scalar(2);
    CHECK((as_matrix(scalar).rows() == 1 && as_matrix(scalar).cols() == 1));
    Tensor<float> empty{Shape{3, 0}};
    CHECK((as_matrix(empty).rows() == 3 && as_matrix(empty).cols() == 0));
    const Tensor<float> none{Shape{0, 3}};
    CHECK((as_matrix(none).rows() == 0 && as_matrix(none).cols() == 3 && as_array(none).size() == 0));
}

TEST_CASE("Eigen expressions become tensors", "[tensor][eigen]") {
    Eigen::MatrixXf matrix(2, 3);  // column-major: the order of the elements changes
    matrix << 1, 2, 3, 4, 5, 6;
    CHECK(from_eigen(matrix) == Tensor<float>{{2, 3}, {1, 2, 3, 4, 5, 6}});
    CHECK(from_eigen(2 * matrix) == Tensor<float>{{2, 3}, {2, 4, 6, 8, 10, 12}});
    CHECK(from_eigen(Eigen::Vector3d{1, 2, 3}) == Tensor<double>{{3}, {1, 2, 3}});
    CHECK(from_eigen((matrix.transpose() * matrix).eval()).shape() == Shape{3, 3});
}

TEST_CASE("Eigen arrays become tensors", "[tensor][eigen]") {
    const Eigen::ArrayXXf array = Eigen::ArrayXXf::Constant(2, 2, 3);
    CHECK(from_eigen(array) == Tensor<float>::full({2, 2}, 3));
    CHECK(from_eigen(array + 1) == Tensor<float>::full({2, 2}, 4));
}
