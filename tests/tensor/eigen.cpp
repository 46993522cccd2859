// SPDX-License-Identifier: MIT
#include <espalier/tensor/eigen.hpp>

#include "catch.hpp"

#include <utility>

using namespace espalier;

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
    CHECK((as_matrix(empty).rows() == 0 && as_matrix(empty).cols() == 0));
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
