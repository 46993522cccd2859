// SPDX-License-Identifier: MIT
/// @file Every operation with nothing to work on: an empty batch, and extents of 0 wherever an input has one.
#include "autograd/registry.hpp"
#include "catch.hpp"

#include <espalier/autograd/conv1d.hpp>
#include <espalier/autograd/conv2d.hpp>
#include <espalier/autograd/layer_norm.hpp>
#include <espalier/autograd/matmul.hpp>
#include <espalier/autograd/normalization.hpp>
#include <espalier/autograd/pixel_shuffle.hpp>
#include <espalier/autograd/pooling.hpp>
#include <espalier/autograd/pooling1d.hpp>
#include <espalier/autograd/reduction.hpp>
#include <espalier/autograd/reshape.hpp>
#include <espalier/autograd/rotary_embedding.hpp>
#include <espalier/autograd/sequence_pooling.hpp>
#include <espalier/autograd/softmax.hpp>
#include <espalier/autograd/swiglu.hpp>
#include <espalier/autograd/upsample.hpp>

#include <algorithm>
#include <set>

namespace {

using namespace registry;
namespace ag = espalier::autograd;
using espalier::ShapeError;

template <class Scalar>
bool all_zero(const Tensor<Scalar>& x) {
    return std::all_of(x.begin(), x.end(), [](Scalar v) { return v == 0; });
}

/// `f` of inputs of these shapes, for one cotangent and for three; every gradient must be exactly 0. As leaves, whose gradients
/// are written in place, and behind another node, where they gather.
template <class Scalar, class F>
Shape gradients_are_zero(const std::vector<Tensor<Scalar>>& values, const F& f) {
    Shape shape;
    for (const bool behind : {false, true}) {
        Variables<Scalar> leaves;
        for (const auto& value : values)
            leaves.emplace_back(value, true);
        Variables<Scalar> inputs = leaves;
        for (auto& input : inputs)
            input = behind ? ag::reshape(input, input.shape()) : input;
        const Variable<Scalar> y = f(inputs);
        shape = y.shape();
        CHECK(all_zero(y.value()));
        for (const Index rows : {1, 3}) {
            const auto gradients = ag::vjp<Scalar>(y, Tensor<Scalar>::ones(y.shape().prepended(rows)), leaves, true);
            for (std::size_t i = 0; i < leaves.size(); ++i) {
                CAPTURE(behind, rows, i);
                CHECK(gradients[i].shape() == leaves[i].shape().prepended(rows));
                CHECK(all_zero(gradients[i]));
            }
        }
        if (!y.requires_grad())  // a loss over nothing is a constant
            continue;
        ag::sum(y).backward();
        for (const auto& leaf : leaves)
            CHECK((leaf.has_grad() && leaf.grad().shape() == leaf.shape() && all_zero(leaf.grad())));
    }
    return shape;
}

/// The same as a draw of the registry, in this scalar.
template <class Scalar>
Shape gradients_are_zero(const Row& row, const Draw& draw) {
    std::vector<Tensor<Scalar>> values;
    for (const auto& input : draw.inputs)
        values.push_back(input.template cast<Scalar>());
    return gradients_are_zero<Scalar>(values, [&](const Variables<Scalar>& v) { return row.apply<Scalar>(v, draw.attributes); });
}

template <class Scalar, class F>
Shape of_shapes(const std::vector<Shape>& shapes, const F& f) {
    Random random{1};
    std::vector<Tensor<Scalar>> values;
    for (const Shape& shape : shapes)
        values.push_back(Tensor<Scalar>::normal(shape, random));
    return gradients_are_zero<Scalar>(values, f);
}

/// The draw with an empty batch, where the operation has one.
Draw empty_batch(const Row& row, Draw draw) {
    const std::set<std::string> all_inputs{"add", "subtract", "multiply", "divide", "weighted_sum", "logit_product", "cat", "matmul"};
    if (all_inputs.count(row.name)) {
        Index rank = 0;
        for (const auto& input : draw.inputs)
            rank = std::max(rank, input.rank());
        for (auto& input : draw.inputs) {
            if (row.name == "matmul" && &input != &draw.inputs[0] && input.rank() < 3)
                continue;  // one matrix for all
            Shape shape = input.shape();
            while (shape.rank() < rank)
                shape = shape.prepended(1);
            input = Tensor<double>{row.name == "matmul" ? shape.with(0, 0) : shape.prepended(0)};
        }
        if (row.name == "cat" && draw.attributes.index("axis") >= 0)
            draw.attributes.set("axis", std::vector<Index>{draw.attributes.index("axis") + 1});
        return draw;
    }
    if (row.name == "mix" || row.name == "film") {
        for (auto& input : draw.inputs)
            if (&input != &draw.inputs.back() || input.rank() == 2)  // else the weights of all samples
                input = Tensor<double>{input.rank() ? input.shape().with(0, 0) : Shape{0}};
        return draw;
    }
    if (row.name == "scaled_dot_product_attention")
        for (auto& input : draw.inputs)
            input = Tensor<double>{input.shape().with(0, 0)};
    draw.inputs[0] = Tensor<double>{draw.inputs[0].shape().with(0, 0)};
    if (row.name == "batch_norm_add_relu")
        draw.inputs[3] = draw.inputs[0];
    if (draw.attributes.contains("mask"))
        draw.attributes.set("mask", std::vector<double>{});
    if (draw.attributes.contains("lengths"))
        draw.attributes.set("lengths", std::vector<Index>{});
    if (draw.attributes.flag("initial"))  // states of the samples
        for (std::size_t i = draw.attributes.flag("bias") ? 5 : 3; i < draw.inputs.size(); ++i)
            draw.inputs[i] = Tensor<double>{draw.inputs[i].shape().with(0, 0)};
    if (row.name == "reshape")
        draw.attributes.set("shape", Shape{3, 0, 2});
    return draw;
}

/// Whether the operation has a batch axis in this draw.
bool has_batch(const Row& row, const Draw& draw) {
    const Index rank = draw.inputs[0].rank();
    if (row.name == "embedding" || row.name == "mean" || rank == 0)
        return false;  // below, or a mean of nothing
    const bool axis_0 = draw.attributes.contains("axis") && (draw.attributes.index("axis") + rank) % rank == 0;
    return rank > 1                           ? !axis_0 || row.name == "cat" || row.name == "sum_axis"
           : draw.attributes.contains("axis") ? row.name == "sum_axis"
                                              : row.name.rfind("linear", 0) != 0;
}

}  // namespace

TEMPLATE_TEST_CASE("an empty batch gives an empty result, or 0, and gradients of exactly 0, for every operation", "[empty]", float,
                   double) {
    for (const Row& row : rows()) {
        int tried = 0;
        for (int i = 0; i < 12; ++i) {
            Random random{static_cast<std::uint64_t>(i), std::hash<std::string>{}(row.name)};
            const Draw full = row.random(random);
            if (!has_batch(row, full))
                continue;
            const Draw draw = empty_batch(row, full);
            CAPTURE(row.name, i, draw.inputs[0].shape());
            gradients_are_zero<TestType>(row, draw);
            ++tried;
        }
        CAPTURE(row.name);
        CHECK((tried > 0 || row.name == "embedding" || row.name == "mean"));
    }
}

TEMPLATE_TEST_CASE("with extents of 0 anywhere an operation gives a finite result, or one error", "[empty]", float, double) {
    for (const Row& row : rows())
        for (int i = 0; i < 60; ++i) {
            Random random{static_cast<std::uint64_t>(i), std::hash<std::string>{}(row.name)};
            Draw draw = row.random(random);
            CAPTURE(row.name, i);
            // One extent of one input, and with it those of the others that are the same axis, or may be.
            Tensor<double>& chosen = draw.inputs[static_cast<std::size_t>(random.below(static_cast<Index>(draw.inputs.size())))];
            if (chosen.rank() == 0)
                continue;
            const Index axis = random.below(chosen.rank());
            const Index extent = chosen.size(axis);
            const bool alone = random.below(3) == 0;
            for (auto& input : draw.inputs) {
                Shape shape = input.shape();
                for (Index a = 0; a < shape.rank(); ++a)
                    if (&input == &chosen ? a == axis : !alone && shape[a] == extent)
                        shape = shape.with(a, 0);
                input = Tensor<double>::ones(shape);
            }
            Variables<TestType> inputs;
            for (const auto& input : draw.inputs)
                inputs.emplace_back(input.cast<TestType>(), true);
            try {
                const auto y = row.apply<TestType>(inputs, draw.attributes);
                CHECK(std::all_of(y.value().begin(), y.value().end(), [](auto v) { return std::isfinite(v); }));
                for (const auto& gradient : ag::vjp<TestType>(y, Tensor<TestType>::ones(y.shape().prepended(3)), inputs))
                    CHECK(std::all_of(gradient.begin(), gradient.end(), [](auto v) { return std::isfinite(v); }));
            } catch (const espalier::Error&) {
            } catch (const std::out_of_range&) {  // of the registry's attributes, which were made for other extents
            }
        }
}

TEMPLATE_TEST_CASE("products of nothing", "[empty]", float, double) {
    using T = TestType;
    using V = Variables<T>;
    const auto linear = [](const V& v) { return ag::linear(v[0], v[1], v[2]); };
    CHECK(of_shapes<T>({{0, 3}, {4, 3}, {4}}, linear) == Shape{0, 4});  // nn::Linear{3, 4} of an empty batch
    CHECK(of_shapes<T>({{2, 0, 3}, {4, 3}, {4}}, linear) == Shape{2, 0, 4});
    CHECK(of_shapes<T>({{0, 300}, {200, 300}, {200}}, linear) == Shape{0, 200});
    CHECK(of_shapes<T>({{2, 3}, {0, 3}}, [](const V& v) { return ag::linear(v[0], v[1]); }) == Shape{2, 0});
    const Variable<T> x{Tensor<T>{Shape{2, 0}}, true};
    const Variable<T> weight{Tensor<T>{Shape{4, 0}}, true};
    const Variable<T> bias{Tensor<T>{{4}, {1, 2, 3, 4}}, true};
    const auto y = ag::linear(x, weight, bias);  // no columns: the bias alone
    CHECK(y.value() == Tensor<T>{{2, 4}, {1, 2, 3, 4, 1, 2, 3, 4}});
    ag::sum(y).backward();
    CHECK(bias.grad() == Tensor<T>::full({4}, 2));
    CHECK((x.grad().shape() == x.shape() && weight.grad().shape() == weight.shape()));

    const auto matmul = [](const V& v) { return ag::matmul(v[0], v[1]); };
    CHECK(of_shapes<T>({{0, 3}, {3, 4}}, matmul) == Shape{0, 4});
    CHECK(of_shapes<T>({{2, 3}, {3, 0}}, matmul) == Shape{2, 0});
    CHECK(of_shapes<T>({{2, 0}, {0, 3}}, matmul) == Shape{2, 3});
    CHECK(of_shapes<T>({{100, 0}, {0, 200}}, matmul) == Shape{100, 200});
    CHECK(of_shapes<T>({{0, 0}, {0, 0}}, matmul) == Shape{0, 0});
    CHECK(of_shapes<T>({{0, 2, 3}, {0, 3, 4}}, matmul) == Shape{0, 2, 4});
    CHECK(of_shapes<T>({{5, 0, 3}, {5, 3, 4}}, matmul) == Shape{5, 0, 4});
}

TEMPLATE_TEST_CASE("images of nothing, as in PyTorch", "[empty]", float, double) {
    using T = TestType;
    using V = Variables<T>;
    const auto conv = [](const V& v) { return ag::conv2d(v[0], v[1], {.padding = 1, .groups = v[0].size(3) / v[1].size(3)}); };
    CHECK(of_shapes<T>({{0, 5, 5, 3}, {4, 3, 3, 3}}, conv) == Shape{0, 5, 5, 4});
    CHECK(of_shapes<T>({{0, 5, 5, 4}, {4, 3, 3, 1}}, conv) == Shape{0, 5, 5, 4});
    CHECK(of_shapes<T>({{2, 5, 5, 0}, {4, 3, 3, 0}}, [](const V& v) { return ag::conv2d(v[0], v[1]); }) == Shape{2, 3, 3, 4});
    const Variable<T> bias{Tensor<T>{{2}, {1, 2}}, true};
    const auto of_no_channel = ag::conv2d(Variable<T>{Tensor<T>{Shape{3, 4, 5, 0}}}, Variable<T>{Tensor<T>{Shape{2, 3, 3, 0}}}, bias);
    CHECK(of_no_channel.shape() == Shape{3, 2, 3, 2});
    CHECK((of_no_channel.value()[0] == 1 && of_no_channel.value()[35] == 2));
    ag::sum(of_no_channel).backward();
    CHECK(bias.grad() == Tensor<T>::full({2}, 18));

    const auto max_pool = [](const V& v) { return ag::max_pool2d(v[0], 2, {.padding = 1}); };
    const auto avg_pool = [](const V& v) { return ag::avg_pool2d(v[0], 2, {.padding = 1}); };
    const auto nearest = [](const V& v) { return ag::upsample_nearest2d(v[0], {6, 7}); };
    const auto bilinear = [](const V& v) { return ag::upsample_bilinear2d(v[0], {6, 7}); };
    const auto all = [&](const Shape& shape, const auto& check) {
        CAPTURE(shape);
        check(max_pool, shape);
        check(avg_pool, shape);
        check(nearest, shape);
        check(bilinear, shape);
    };
    all({0, 4, 5, 3}, [](const auto& f, const Shape& shape) { CHECK(of_shapes<T>({shape}, f)[0] == 0); });
    for (const Shape& shape : {Shape{1, 0, 4, 1}, Shape{1, 4, 0, 1}, Shape{2, 0, 0, 3}, Shape{0, 0, 4, 3}, Shape{2, 4, 4, 0}})
        all(shape, [](const auto& f, const Shape& s) { CHECK_THROWS_AS(f(V{Variable<T>{Tensor<T>{s}, true}}), ShapeError); });
    const auto wide = ag::upsample_bilinear2d(Variable<T>{Tensor<T>{Shape{0, 4, 5, 3}}}, {Index{1} << 40, 1 << 10});
    CHECK(wide.shape() == Shape{0, Index{1} << 40, 1 << 10, 3});  // no table of so many rows, of which none is there
    const auto shuffle = [](const V& v) { return ag::pixel_shuffle(v[0], 2); };
    const auto unshuffle = [](const V& v) { return ag::pixel_unshuffle(v[0], 2); };
    CHECK(of_shapes<T>({{0, 4, 6, 8}}, shuffle) == Shape{0, 8, 12, 2});
    CHECK(of_shapes<T>({{2, 0, 6, 8}}, shuffle) == Shape{2, 0, 12, 2});
    CHECK(of_shapes<T>({{0, 4, 6, 8}}, unshuffle) == Shape{0, 2, 3, 32});
    CHECK(of_shapes<T>({{2, 4, 6, 0}}, unshuffle) == Shape{2, 2, 3, 0});
    const auto global = [](const V& v) { return ag::global_avg_pool2d(v[0]); };
    CHECK(of_shapes<T>({{0, 4, 5, 3}}, global) == Shape{0, 3});
    CHECK(of_shapes<T>({{2, 4, 5, 0}}, global) == Shape{2, 0});
    CHECK(of_shapes<T>({{0, 0, 5, 3}}, global) == Shape{0, 3});
    CHECK_THROWS_AS(global(V{Variable<T>{Tensor<T>{Shape{2, 0, 5, 3}}}}), ShapeError);
}

TEMPLATE_TEST_CASE("sequences of nothing", "[empty]", float, double) {
    using T = TestType;
    using V = Variables<T>;
    const Tensor<Index> none{Shape{0}}, two{Shape{2}};
    CHECK(of_shapes<T>({{0, 5, 3}, {4, 2, 3}}, [](const V& v) { return ag::conv1d(v[0], v[1]); }) == Shape{0, 4, 4});
    CHECK(of_shapes<T>({{0, 5, 3}, {4, 2, 3}, {4}}, [&](const V& v) { return ag::conv1d(v[0], v[1], v[2], {}, none); }) == Shape{0, 4, 4});
    CHECK(of_shapes<T>({{2, 5, 3}, {4, 2, 3}, {4}}, [&](const V& v) { return ag::conv1d(v[0], v[1], v[2], {}, two); }) == Shape{2, 4, 4});
    CHECK(of_shapes<T>({{2, 0, 3}, {4, 2, 3}}, [&](const V& v) { return ag::conv1d(v[0], v[1], {.padding = 3}, two); }) == Shape{2, 0, 4});
    CHECK(of_shapes<T>({{0, 5, 3}}, [](const V& v) { return ag::max_pool1d(v[0], 2); }) == Shape{0, 2, 3});
    CHECK(of_shapes<T>({{2, 5, 3}}, [&](const V& v) { return ag::max_pool1d(v[0], 2, {}, two); }) == Shape{2, 2, 3});
    CHECK(of_shapes<T>({{2, 5, 3}}, [&](const V& v) { return ag::avg_pool1d(v[0], 2, {}, two); }) == Shape{2, 2, 3});
    CHECK(of_shapes<T>({{2, 5, 3}}, [&](const V& v) { return ag::mask_padding(v[0], two); }) == Shape{2, 5, 3});
    for (const Shape& shape : {Shape{2, 0, 3}, Shape{0, 4, 3}, Shape{2, 0, 0}}) {
        const Shape rows{shape[0], shape[2]};
        CHECK(of_shapes<T>({shape}, [](const V& v) { return ag::sequence_mean(v[0]); }) == rows);
        CHECK(of_shapes<T>({shape}, [](const V& v) { return ag::sequence_max(v[0]); }) == rows);
        CHECK(of_shapes<T>({shape}, [](const V& v) { return ag::sequence_last(v[0]); }) == rows);
    }
    CHECK(of_shapes<T>({{2, 4, 0}}, [](const V& v) { return ag::rotary_embedding(v[0], {.heads = 2}); }) == Shape{2, 4, 0});
    CHECK(of_shapes<T>({{2, 0, 4}}, [](const V& v) { return ag::rotary_embedding(v[0]); }) == Shape{2, 0, 4});
    CHECK(of_shapes<T>({{3, 0}}, [](const V& v) { return ag::swiglu(v[0]); }) == Shape{3, 0});
    CHECK(of_shapes<T>({{0, 4}}, [](const V& v) { return ag::swiglu(v[0]); }) == Shape{0, 2});
}

TEMPLATE_TEST_CASE("normalisation and softmax of nothing, as in PyTorch", "[empty]", float, double) {
    using T = TestType;
    using V = Variables<T>;
    for (const bool training : {false, true})
        for (const Shape& shape : {Shape{0, 3}, Shape{0, 4, 3}, Shape{2, 0, 4, 3}}) {
            CAPTURE(training, shape);
            const ag::RunningStatistics<T> before{Tensor<T>{{3}, {1, 2, 3}}, Tensor<T>{{3}, {4, 5, 6}}};
            ag::RunningStatistics<T> running = before;
            const auto batch_norm = [&](const V& v) { return ag::batch_norm(v[0], v[1], v[2], running, training); };
            CHECK(of_shapes<T>({shape, {3}, {3}}, batch_norm) == shape);
            CHECK((running.mean == before.mean && running.variance == before.variance));
        }
    const auto layer_norm = [](const V& v) { return ag::layer_norm(v[0], v[1], v[2]); };
    CHECK(of_shapes<T>({{0, 3}, {3}, {3}}, layer_norm) == Shape{0, 3});
    CHECK(of_shapes<T>({{2, 0, 3}, {3}, {3}}, layer_norm) == Shape{2, 0, 3});
    const Variable<T> none{Tensor<T>{Shape{0}}};
    CHECK(ag::layer_norm(Variable<T>{Tensor<T>{Shape{2, 0}}, true}, none, none).shape() == Shape{2, 0});
    for (const Shape& shape : {Shape{0, 3}, Shape{2, 0}, Shape{0, 0}, Shape{2, 0, 3}}) {
        CHECK(of_shapes<T>({shape}, [](const V& v) { return ag::softmax(v[0]); }) == shape);
        CHECK(of_shapes<T>({shape}, [](const V& v) { return ag::log_softmax(v[0]); }) == shape);
    }
}

TEMPLATE_TEST_CASE("reductions of nothing, as in PyTorch but for the mean of nothing", "[empty]", float, double) {
    using T = TestType;
    using V = Variables<T>;
    CHECK(of_shapes<T>({{0, 3}}, [](const V& v) { return ag::sum(v[0]); }) == Shape{});
    CHECK(of_shapes<T>({{0, 3}}, [](const V& v) { return ag::sum(v[0], 0); }) == Shape{3});
    CHECK(of_shapes<T>({{0, 3}}, [](const V& v) { return ag::sum(v[0], 1); }) == Shape{0});
    CHECK(of_shapes<T>({{0, 3}}, [](const V& v) { return ag::mean(v[0], 1); }) == Shape{0});
    CHECK(of_shapes<T>({{0, 0}}, [](const V& v) { return ag::mean(v[0], 1); }) == Shape{0});
    CHECK(of_shapes<T>({{2, 0, 3}}, [](const V& v) { return ag::max(v[0], 0); }) == Shape{0, 3});
    CHECK_THROWS_AS(ag::mean(Variable<T>{Tensor<T>{Shape{0, 3}}}, 0), ShapeError);
    CHECK_THROWS_AS(ag::max(Variable<T>{Tensor<T>{Shape{0, 0}}}, 0), ShapeError);
}
