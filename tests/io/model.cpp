// SPDX-License-Identifier: MIT
#include <espalier/autograd/reduction.hpp>
#include <espalier/io/model.hpp>
#include <espalier/io/pytorch.hpp>
#include <espalier/mtl/multi_task_net.hpp>
#include <espalier/nn/conv2d.hpp>
#include <espalier/nn/linear.hpp>
#include <espalier/nn/normalization.hpp>
#include <espalier/nn/reshape.hpp>
#include <espalier/nn/sequential.hpp>

#include "catch.hpp"
#include "io/files.hpp"
#include "nn/testing.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

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

/// One layer under two names.
struct Tied : nn::Module<Tied, float> {
    std::shared_ptr<nn::Linear<float>> inner = std::make_shared<nn::Linear<float>>(2, 2, nn::LinearOptions{.bias = false});
    void visit(nn::Visitor<float>& v) {
        v("a", *inner);
        v("b", *inner);
    }
};

}  // namespace

TEMPLATE_TEST_CASE("a saved model comes back bit by bit", "[io][model]", float, double) {
    using T = TestType;
    const TemporaryFolder folder;
    auto from = model<T>(1);
    (void)from(normal<T>({8, 3}));  // running statistics are part of the state
    io::save(from, folder / "model.safetensors");
    auto to = model<T>(2);
    const auto handle = to.parameters()[0];
    CHECK_FALSE(same_bits(from.state_dict(), to.state_dict()));
    io::load(to, folder / "model.safetensors");
    CHECK(same_bits(from.state_dict(), to.state_dict()));
    CHECK(handle.value() == from.parameters()[0].value());
    const auto x = normal<T>({5, 3}, 3);
    CHECK(same_bits(from.predict(x), to.predict(x)));
}

TEST_CASE("the file holds the paths, and notes about its origin", "[io][model]") {
    const TemporaryFolder folder;
    const auto net = model<float>(1);
    io::save(net, folder / "model.safetensors", {.metadata = {{"epoch", "3"}, {"producer", "me"}}});
    const auto file = io::load_safetensors(folder / "model.safetensors");
    CHECK(file.size() == 10);
    CHECK(file.get<float>("trunk.1.running_var") == Tensor<float>::ones({4}));
    CHECK(file.get<float>("heads.b.weight") == net.state_dict().at("heads.b.weight"));
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
    for (const auto& [name, tensor] : wide.state_dict())
        CHECK(tensor == single.state_dict().at(name).cast<double>());
    io::save(wide, folder / "double");
    auto narrow = model<float>(3);
    io::load(narrow, folder / "double");
    CHECK(same_bits(narrow.state_dict(), single.state_dict()));
}

TEST_CASE("a layer alone is a model too", "[io][model]") {
    const TemporaryFolder folder;
    const nn::Linear from{3, 2};
    nn::Linear to{3, 2};
    io::save(from, folder / "linear");
    io::load(to, folder / "linear");
    CHECK(same_bits(from.state_dict(), to.state_dict()));
}

TEST_CASE("a file of another model is refused whole", "[io][model]") {
    const TemporaryFolder folder;
    auto net = model<float>(1);
    const auto before = net.state_dict();
    io::save(model<float>(2, 5), folder / "wider");
    CHECK_THROWS_AS(io::load(net, folder / "wider"), StateError);
    CHECK_THROWS_WITH(io::load(net, folder / "wider"),
                      ContainsSubstring(concat("[load] expected the tensors of this model in ", folder / "wider",
                                               ", got others: trunk.0.weight of shape (4, 3) came as shape (5, 3), ")) &&
                          ContainsSubstring("heads.b.weight of shape (1, 4) came as shape (1, 5)"));
    io::save(nn::Linear{3, 4}, folder / "linear");
    CHECK_THROWS_WITH(io::load(net, folder / "linear"),
                      ContainsSubstring("got others: missing trunk.0.weight, trunk.0.bias, ") &&
                          Catch::Matchers::EndsWith("heads.a.weight, heads.a.bias and 2 more; unexpected bias, weight"));
    io::TensorFile integers;
    integers.metadata()["layout"] = "NHWC";
    for (const auto& [name, tensor] : before)
        integers.insert(name, tensor.cast<std::int32_t>());
    io::save_safetensors(folder / "integers", integers);
    CHECK_THROWS_AS(io::load(net, folder / "integers"), StateError);
    CHECK_THROWS_WITH(io::load(net, folder / "integers"),
                      ContainsSubstring("got others: trunk.0.weight of type F16, BF16, F32 or F64 came as type I32, trunk.0.bias of type"));
    CHECK(same_bits(net.state_dict(), before));
}

TEST_CASE("a file that is missing, cut at any byte or too long is refused, and the model is as before", "[io][model]") {
    const TemporaryFolder folder;
    auto net = model<float>(1, 2);
    const auto before = net.state_dict();
    CHECK_THROWS_AS(io::load(net, folder / "absent"), IoError);
    CHECK_THROWS_WITH(io::load(net, folder / "absent"),
                      ContainsSubstring("[read_file] expected a file at ") && ContainsSubstring("absent"));
    io::save(model<float>(2, 2), folder / "whole");
    const std::string whole = contents(folder / "whole");
    for (std::size_t length = 0; length < whole.size(); ++length) {
        folder.file("cut", whole.substr(0, length));
        CAPTURE(length);
        REQUIRE_THROWS_AS(io::load(net, folder / "cut"), IoError);
    }
    folder.file("long", whole + "x");
    CHECK_THROWS_AS(io::load(net, folder / "long"), IoError);
    CHECK(same_bits(net.state_dict(), before));
    io::load(net, folder / "whole");
    CHECK_FALSE(same_bits(net.state_dict(), before));
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

TEST_CASE("a file that does not say this library's layout is refused", "[io][model]") {
    const TemporaryFolder folder;
    manual_seed(1);
    nn::Sequential net{nn::Conv2d{3, 3, 3}, nn::Flatten{}, nn::Linear{3, 3}};  // shapes that PyTorch's tensors have as well
    const auto before = net.state_dict();
    io::TensorFile file;
    for (const auto& [name, tensor] : before)
        file.insert(name, Tensor<float>::full(tensor.shape(), 2));
    io::save_safetensors(folder / "plain", file);
    CHECK_THROWS_AS(io::load(net, folder / "plain"), IoError);
    CHECK_THROWS_WITH(io::load(net, folder / "plain"),
                      ContainsSubstring("[load] expected a file of io::save, marked as layout NHWC, in ") &&
                          ContainsSubstring("got no mark: a file of PyTorch is read by io::load_pytorch"));
    CHECK_THROWS_AS(io::load(net, folder / "plain", {.strict = false}), IoError);
    for (const std::string layout : {"NCHW", "nhwc", ""}) {
        file.metadata()["layout"] = layout;
        io::save_safetensors(folder / "other", file);
        CHECK_THROWS_AS(io::load(net, folder / "other"), IoError);
        CHECK_THROWS_WITH(io::load(net, folder / "other", {.unmarked = true}), ContainsSubstring("expected layout NHWC in "));
    }
    CHECK(same_bits(net.state_dict(), before));
    io::load(net, folder / "plain", {.unmarked = true});
    CHECK(net.state_dict().at("0.weight") == Tensor<float>::full({3, 3, 3, 3}, 2));
    CHECK_THROWS_WITH(io::save(net, folder / "mine", {.metadata = {{"layout", "NCHW"}}}),
                      "[save] expected metadata without 'layout', which says NHWC, got 'NCHW'");
    CHECK_THROWS_AS(io::save(net, folder / "mine", {.metadata = {{"layout", "NCHW"}}}), ValueError);
    CHECK_FALSE(std::filesystem::exists(folder / "mine"));
}

TEST_CASE("metadata comes back with the weights, and can go into the next file", "[io][model]") {
    const TemporaryFolder folder;
    auto net = model<float>(1);
    io::save(net, folder / "model", {.metadata = {{"classes", "shirt\nshoe"}}});
    const auto report = io::load(net, folder / "model");
    CHECK(report.metadata.at("classes") == "shirt\nshoe");
    CHECK(report.metadata.at("producer") == "espalier " ESPALIER_VERSION);
    CHECK(report.complete());
    CHECK(report.text().empty());
    CHECK(report.loaded == testing::names(net.state_dict()));
    io::save(net, folder / "again", {.metadata = report.metadata});
    CHECK(contents(folder / "again") == contents(folder / "model"));
}

TEST_CASE("a warm start loads what fits and says what does not", "[io][model]") {
    const TemporaryFolder folder;
    manual_seed(1);
    const mtl::MultiTaskNet<float> old{nn::Sequential{nn::Linear{3, 4}}, {{"a", nn::Linear{4, 2}}, {"c", nn::Linear{4, 1}}}};
    io::save(old, folder / "old", {.metadata = {{"epoch", "3"}}});
    mtl::MultiTaskNet<float> net{nn::Sequential{nn::Linear{3, 4}}, {{"a", nn::Linear{4, 5}}, {"b", nn::Linear{4, 1}}}};
    const auto before = net.state_dict();
    CHECK_THROWS_AS(io::load(net, folder / "old"), StateError);
    CHECK(same_bits(net.state_dict(), before));
    const auto report = io::load(net, folder / "old", {.strict = false});
    CHECK(report.loaded == std::vector<std::string>{"trunk.0.weight", "trunk.0.bias"});
    CHECK(report.missing == std::vector<std::string>{"heads.b.weight", "heads.b.bias"});
    CHECK(report.unexpected == std::vector<std::string>{"heads.c.bias", "heads.c.weight"});
    REQUIRE(report.mismatched.size() == 2);
    CHECK(report.mismatched[0].path == "heads.a.weight");
    CHECK(report.mismatched[0].expected == "shape (5, 4)");
    CHECK(report.mismatched[0].got == "shape (2, 4)");
    CHECK(report.metadata.at("epoch") == "3");
    CHECK_FALSE(report.complete());
    CHECK(report.text() ==
          "heads.a.weight of shape (5, 4) came as shape (2, 4), heads.a.bias of shape (5,) came as shape (2,)"
          "; missing heads.b.weight, heads.b.bias; unexpected heads.c.bias, heads.c.weight");
    CHECK(same_bits(net.state_dict().at("trunk.0.weight"), old.state_dict().at("trunk.0.weight")));
    CHECK(same_bits(net.state_dict().at("heads.a.weight"), before.at("heads.a.weight")));
    CHECK(same_bits(net.state_dict().at("heads.b.weight"), before.at("heads.b.weight")));

    // A file of which nothing fits is no warm start.
    nn::Linear other{7, 7};
    CHECK_THROWS_WITH(io::load(other, folder / "old", {.strict = false}),
                      ContainsSubstring("got others: missing weight, bias; unexpected heads.a.bias"));
}

TEST_CASE("a part of a file goes into a part of a net", "[io][model]") {
    const TemporaryFolder folder;
    const auto whole = model<float>(1);
    io::save(whole, folder / "whole");
    auto net = model<float>(2);
    const auto before = net.state_dict();
    for (const std::string prefix : {"trunk.", "trunk"}) {
        const auto report = io::load(net.trunk(), folder / "whole", {.prefix = prefix});
        CHECK(report.complete());
        CHECK(report.loaded.size() == 6);
    }
    CHECK(same_bits(net.state_dict().at("trunk.0.weight"), whole.state_dict().at("trunk.0.weight")));
    CHECK(same_bits(net.state_dict().at("trunk.1.running_var"), whole.state_dict().at("trunk.1.running_var")));
    CHECK(same_bits(net.state_dict().at("heads.a.weight"), before.at("heads.a.weight")));
    io::load(net.head("b"), folder / "whole", {.prefix = "heads.b"});
    CHECK(same_bits(net.state_dict().at("heads.b.weight"), whole.state_dict().at("heads.b.weight")));

    CHECK_THROWS_AS(io::load(net.head("b"), folder / "whole", {.prefix = "heads.a"}), StateError);
    CHECK_THROWS_AS(io::load(net.trunk(), folder / "whole", {.prefix = "tru"}), StateError);  // a component is whole
    CHECK_THROWS_WITH(io::load(net.trunk(), folder / "whole", {.strict = false, .prefix = "body"}),
                      ContainsSubstring("[load] expected tensors below 'body.' in ") &&
                          ContainsSubstring("got 10 tensors: 'heads.a.bias', "));
}

TEST_CASE("a thousand names make a message that can be read", "[io][model]") {
    const TemporaryFolder folder;
    nn::Sequential<float> deep;
    for (int i = 0; i < 500; ++i)
        deep.add(nn::Linear{1, 1});
    io::TensorFile file;
    file.metadata()["layout"] = "NHWC";
    io::save_safetensors(folder / "empty", file);
    CHECK_THROWS_WITH(io::load(deep, folder / "empty"),
                      Catch::Matchers::EndsWith("got others: missing 0.weight, 0.bias, 1.weight, 1.bias, 2.weight, 2.bias, 3.weight, "
                                                "3.bias and 992 more"));
    io::save(deep, folder / "deep");
    nn::Linear one{1, 1};
    CHECK_THROWS_WITH(io::load(one, folder / "deep"),
                      ContainsSubstring("got others: missing weight, bias; unexpected 0.bias, 0.weight, ") &&
                          ContainsSubstring(" and 992 more"));
    nn::Sequential<float> none;
    CHECK(io::load(none, folder / "empty").complete());
}

TEST_CASE("one parameter under two names needs one of them in the file", "[io][model]") {
    const TemporaryFolder folder;
    Tied tied;
    io::TensorFile file;
    file.metadata()["layout"] = "NHWC";
    file.insert("a.weight", Tensor<float>::full({2, 2}, 3));
    io::save_safetensors(folder / "tied", file);
    const auto report = io::load(tied, folder / "tied");
    CHECK(report.complete());
    CHECK(report.loaded == std::vector<std::string>{"a.weight", "b.weight"});
    CHECK(tied.inner->weight().value() == Tensor<float>::full({2, 2}, 3));
}

TEST_CASE("names of a file are turned into paths", "[io][model]") {
    const TemporaryFolder folder;
    auto net = model<float>(1);
    io::save(net.trunk(), folder / "trunk");
    auto other = model<float>(2);
    const auto report = io::load(other, folder / "trunk",
                                 {.strict = false, .rename = [](const std::string& name) { return "trunk." + name; }});
    CHECK(report.missing == std::vector<std::string>{"heads.a.weight", "heads.a.bias", "heads.b.weight", "heads.b.bias"});
    CHECK(report.unexpected.empty());
    CHECK(same_bits(other.trunk().state_dict(), net.trunk().state_dict()));

    io::save(net, folder / "whole");
    const auto without_norm = [](const std::string& name) { return name.starts_with("0.") ? name : std::string{}; };
    nn::Sequential alone{nn::Linear{3, 4}};
    const auto kept = io::load(alone, folder / "whole", {.prefix = "trunk", .rename = without_norm});
    CHECK(kept.complete());
    CHECK(kept.ignored.size() == 4);
    const auto before = alone.state_dict();
    const auto to_one = [](const std::string&) { return std::string{"0.bias"}; };
    CHECK_THROWS_AS(io::load(alone, folder / "whole", {.strict = false, .rename = to_one}), StateError);
    CHECK(same_bits(alone.state_dict(), before));
}

TEST_CASE("half floats load into a model", "[io][model]") {
    const TemporaryFolder folder;
    io::TensorFile file;
    file.metadata()["layout"] = "NHWC";
    const auto bytes = std::make_shared<const std::string>("\x00\x3c\x00\xc0", 4);  // 1 and -2
    file.insert("weight", io::StoredTensor{io::Dtype::F16, {1, 2}, bytes, *bytes});
    file.insert("bias", io::StoredTensor{io::Dtype::BF16, {1}, bytes, std::string_view{*bytes}.substr(2)});
    io::save_safetensors(folder / "half", file);
    nn::Linear<double> net{2, 1};
    io::load(net, folder / "half");
    CHECK(net.weight().value() == Tensor<double>{{1, 2}, {1, -2}});
    CHECK(net.bias().value() == Tensor<double>{{1}, {-2}});
}

TEST_CASE("loading a file is a change that recorded graphs see", "[io][model]") {
    const TemporaryFolder folder;
    nn::Sequential<float> net{nn::Linear{2, 2}, nn::Linear{2, 1}};
    io::save(net, folder / "model.safetensors");
    io::save_pytorch(net, folder / "pytorch.safetensors", {2});
    const auto loss = [&] { return autograd::sum(net(Tensor<float>::ones({3, 2}))); };
    const auto before = loss();
    io::load(net, folder / "model.safetensors");
    CHECK_THROWS_AS(before.backward(), StateError);
    const auto again = loss();
    io::load_pytorch(net, folder / "pytorch.safetensors", {2});
    CHECK_THROWS_AS(again.backward(), StateError);
    loss().backward();
}

TEST_CASE("names that differ by the nesting of a sequence are refused with a hint", "[io][model]") {
    const TemporaryFolder folder;
    nn::Sequential<float> nested;
    nested.add(nn::Sequential{nn::Linear{2, 2}, nn::ReLU{}});
    io::save(nested, folder / "nested.safetensors");
    nn::Sequential braced{nn::Sequential{nn::Linear{2, 2}, nn::ReLU{}}};
    CHECK_THROWS_WITH(io::load(braced, folder / "nested.safetensors"),
                      ContainsSubstring("missing 0.weight, 0.bias; unexpected 0.0.bias, 0.0.weight; "
                                        "a Sequential alone in the braces of another is a copy"));
    mtl::MultiTaskNet deep{nn::Sequential{nn::Linear{2, 2}}, {{"a", nn::Linear{2, 1}}}};
    nn::Sequential<float> trunk;
    trunk.add(nn::Sequential{nn::Linear{2, 2}});
    mtl::MultiTaskNet deeper{std::move(trunk), {{"a", nn::Linear{2, 1}}}};
    io::save(deeper, folder / "deeper.safetensors");
    CHECK_THROWS_WITH(io::load(deep, folder / "deeper.safetensors"), ContainsSubstring("nest it by add()"));
    io::load(nested, folder / "nested.safetensors");
    nn::Linear other{3, 3};
    CHECK_THROWS_WITH(io::load(other, folder / "nested.safetensors"), !ContainsSubstring("nest it"));
}
