// SPDX-License-Identifier: MIT
#include <espalier/io/model.hpp>
#include <espalier/mtl/multi_task_net.hpp>
#include <espalier/nn/linear.hpp>
#include <espalier/nn/normalization.hpp>
#include <espalier/nn/sequential.hpp>

#include "catch.hpp"
#include "io/files.hpp"
#include "nn/testing.hpp"

#include <filesystem>

using namespace espalier;
using testing::normal;
using testing::same_bits;

namespace {

template <class T>
mtl::MultiTaskNet<T> model(std::uint64_t seed, Index width = 4) {
    manual_seed(seed);
    return {nn::Sequential{nn::Linear<T>{3, width}, nn::BatchNorm<T>{width}},
            {{"a", nn::Linear<T>{width, 2}}, {"b", nn::Linear<T>{width, 1}}}};
}

}  // namespace

TEMPLATE_TEST_CASE("a saved model comes back bit by bit", "[io][model]", float, double) {
    using T = TestType;
    const TemporaryFolder folder;
    auto from = model<T>(1);
    (void)from(normal<T>({8, 3}));  // running statistics are part of the state
    io::save(from, folder / "model.safetensors");
    auto to = model<T>(2);
    const auto handle = to.parameters()[0];
    CHECK_FALSE(same_bits(from.state(), to.state()));
    io::load(to, folder / "model.safetensors");
    CHECK(same_bits(from.state(), to.state()));
    CHECK(handle.value() == from.parameters()[0].value());
    const auto x = normal<T>({5, 3}, 3);
    CHECK(same_bits(from.predict(x), to.predict(x)));
}

TEST_CASE("the file holds the paths, and notes about its origin", "[io][model]") {
    const TemporaryFolder folder;
    const auto net = model<float>(1);
    io::save(net, folder / "model.safetensors", {{"epoch", "3"}, {"producer", "me"}});
    const auto file = io::load_safetensors(folder / "model.safetensors");
    CHECK(file.size() == 10);
    CHECK(file.get<float>("trunk.1.running_var") == Tensor<float>::ones({4}));
    CHECK(file.get<float>("heads.b.weight") == net.state().at("heads.b.weight"));
    CHECK(file.metadata().at("epoch") == "3");
    CHECK(file.metadata().at("producer") == "me");
    CHECK(file.metadata().at("layout") == "NHWC");
    io::save(net, folder / "plain.safetensors");
    CHECK(io::load_safetensors(folder / "plain.safetensors").metadata().at("producer") == "espalier " ESPALIER_VERSION);
}

TEST_CASE("weights of float and of double load into one another", "[io][model]") {
    const TemporaryFolder folder;
    const auto single = model<float>(1);
    io::save(single, folder / "float");
    auto wide = model<double>(2);
    io::load(wide, folder / "float");
    for (const auto& [name, tensor] : wide.state())
        CHECK(tensor == single.state().at(name).cast<double>());
    io::save(wide, folder / "double");
    auto narrow = model<float>(3);
    io::load(narrow, folder / "double");
    CHECK(same_bits(narrow.state(), single.state()));
}

TEST_CASE("a layer alone is a model too", "[io][model]") {
    const TemporaryFolder folder;
    const nn::Linear from{3, 2};
    nn::Linear to{3, 2};
    io::save(from, folder / "linear");
    io::load(to, folder / "linear");
    CHECK(same_bits(from.state(), to.state()));
}

TEST_CASE("a file of another model is refused whole", "[io][model]") {
    const TemporaryFolder folder;
    auto net = model<float>(1);
    const auto before = net.state();
    io::save(model<float>(2, 5), folder / "wider");
    CHECK_THROWS_AS(io::load(net, folder / "wider"), StateError);
    CHECK_THROWS_WITH(io::load(net, folder / "wider"),
                      ContainsSubstring("[load_state] expected the tensors of this model, got others; trunk.0.weight of shape (4, 3) came as (5, 3)") &&
                          ContainsSubstring("heads.b.weight of shape (1, 4) came as (1, 5)"));
    io::save(nn::Linear{3, 4}, folder / "linear");
    CHECK_THROWS_WITH(io::load(net, folder / "linear"),
                      ContainsSubstring("; missing trunk.0.weight; ") && ContainsSubstring("; missing heads.b.bias; unexpected bias; unexpected weight"));
    io::TensorFile integers;
    for (const auto& [name, tensor] : before)
        integers.insert(name, tensor.cast<std::int32_t>());
    io::save_safetensors(folder / "integers", integers);
    CHECK_THROWS_AS(io::load(net, folder / "integers"), IoError);
    CHECK_THROWS_WITH(io::load(net, folder / "integers"),
                      "[tensor_file] expected 'heads.a.bias' of type F32 or F64, got I32");
    CHECK(same_bits(net.state(), before));
}

TEST_CASE("a file that is missing, cut at any byte or too long is refused, and the model is as before", "[io][model]") {
    const TemporaryFolder folder;
    auto net = model<float>(1, 2);
    const auto before = net.state();
    CHECK_THROWS_AS(io::load(net, folder / "absent"), IoError);
    CHECK_THROWS_WITH(io::load(net, folder / "absent"), ContainsSubstring("[read_file] expected a file at ") && ContainsSubstring("absent"));
    io::save(model<float>(2, 2), folder / "whole");
    const std::string whole = contents(folder / "whole");
    for (std::size_t length = 0; length < whole.size(); ++length) {
        folder.file("cut", whole.substr(0, length));
        CAPTURE(length);
        REQUIRE_THROWS_AS(io::load(net, folder / "cut"), IoError);
    }
    folder.file("long", whole + "x");
    CHECK_THROWS_AS(io::load(net, folder / "long"), IoError);
    CHECK(same_bits(net.state(), before));
    io::load(net, folder / "whole");
    CHECK_FALSE(same_bits(net.state(), before));
}

TEST_CASE("saving over a file is all or nothing", "[io][model]") {
    const TemporaryFolder folder;
    const auto net = model<float>(1);
    io::save(net, folder / "model");
    const std::string before = contents(folder / "model");
    CHECK_THROWS_AS(io::save(net, folder / "absent" / "model"), IoError);
    io::save(net, folder / "model");
    CHECK(contents(folder / "model") == before);
    CHECK(folder.entries() == 1);
}
