// SPDX-License-Identifier: MIT
#if __has_include(<nlohmann/json.hpp>)

#include <espalier/io/pytorch.hpp>
#include <espalier/nn/transformer.hpp>

#include "catch.hpp"
#include "io/files.hpp"
#include "io/pytorch_models.hpp"
#include "nn/testing.hpp"

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <map>
#include <string>
#include <vector>

using namespace espalier;
using namespace testing;

namespace {

const std::string golden = ESPALIER_GOLDEN_DIR "/pytorch/";

/// Outputs by name in evaluation mode, of any net.
template <class T>
Named<Tensor<T>> named(const Variable<T>& output) {
    return {{"output", output.value()}};
}
template <class T>
Named<Tensor<T>> named(const Named<Variable<T>>& outputs) {
    return outputs.map([](const std::string&, const Variable<T>& output) { return output.value(); });
}
template <class T, class Net>
Named<Tensor<T>> outputs(Net& net, const Tensor<T>& x) {
    const nn::EvalScope evaluation;
    return named<T>(net(x));
}

/// Overwrites every tensor with numbers that are its own.
template <class Net>
void scramble(Net& net, std::uint64_t seed) {
    using T = typename Net::value_type;
    Named<Tensor<T>> state;
    Random random{seed};
    for (const auto& [name, tensor] : net.state_dict())
        state.insert(name, Tensor<T>::uniform(tensor.shape(), random, T(0.1), T(1)));
    net.load_state_dict(state);
}

template <class T, class Net>
void gives_what_pytorch_gives(Net net, const std::string& name, const Shape& sample) {
    const auto expected = io::load_safetensors(golden + "expected.safetensors");
    const auto x = expected.get<T>(name + "/input");
    for (const std::string type : {"f32", "f16", "bf16"}) {
        CAPTURE(name, type);
        const auto report = io::load_pytorch(net, golden + name + "." + type + ".safetensors", sample);
        CHECK(report.complete());
        CHECK(report.loaded.size() == net.state_dict().size());
        for (const auto& [task, output] : outputs(net, x))
            require_close(output, expected.get<T>(concat(name, '.', type, '/', task)), 1e-5);
    }
}

}  // namespace

TEMPLATE_TEST_CASE("files that PyTorch wrote give PyTorch's outputs", "[io][pytorch]", float, double) {
    using T = TestType;
    gives_what_pytorch_gives<T>(rgb_net<T>(), "rgb", rgb_sample);
    gives_what_pytorch_gives<T>(flat_net<T>(), "flat", rgb_sample);
    gives_what_pytorch_gives<T>(decoder_net<T>(), "decoder", decoder_sample);
    gives_what_pytorch_gives<T>(Mixed<T>{}, "mixed", mixed_sample);
}

TEMPLATE_TEST_CASE("layers of dense prediction come from PyTorch and go back", "[io][pytorch]", float, double) {
    using T = TestType;
    const auto expected = io::load_safetensors(ESPALIER_GOLDEN_DIR "/dense_layers.safetensors");
    auto net = upwards_net<T>();
    const auto report = io::load_pytorch(net, golden + "upwards.f32.safetensors", {4, 5, 3});
    CHECK(report.complete());
    require_close(net(expected.get<T>("upwards/input")).value(), expected.get<T>("upwards/output0"), 1e-5);
    const TemporaryFolder folder;
    io::save_pytorch(net, folder / "back", {4, 5, 3});
    const auto there = io::load_safetensors(golden + "upwards.f32.safetensors");
    const auto back = io::load_safetensors(folder / "back");
    for (const auto& [name, tensor] : there) {
        CAPTURE(name);
        CHECK(back.at(name).extents() == tensor.extents());
        CHECK(back.get<float>(name) == there.get<float>(name));
    }
}

TEST_CASE("a Transformer comes from PyTorch and goes back", "[io][pytorch]") {
    const auto expected = io::load_safetensors(ESPALIER_GOLDEN_DIR "/attention.safetensors");
    nn::TransformerEncoder encoder{6, 2, 2, {.feed_forward = 8, .dropout = 0}};
    const auto report = io::load_pytorch(encoder, golden + "transformer.f32.safetensors", {5, 6});
    CHECK(report.complete());
    require_close(encoder(expected.get<float>("transformer/input")).value(), expected.get<float>("transformer/output"), 1e-5);
    const TemporaryFolder folder;
    io::save_pytorch(encoder, folder / "back", {5, 6});
    const auto there = io::load_safetensors(golden + "transformer.f32.safetensors");
    const auto back = io::load_safetensors(folder / "back");
    for (const auto& [name, tensor] : there) {
        CAPTURE(name);
        CHECK(back.at(name).extents() == tensor.extents());
        CHECK(back.get<float>(name) == there.get<float>(name));
    }
}

TEST_CASE("convolutions along sequences come from PyTorch and go back", "[io][pytorch]") {
    const auto expected = io::load_safetensors(ESPALIER_GOLDEN_DIR "/sequences.safetensors");
    nn::Sequential net{nn::Conv1d{3, 4, 3, {.padding = 1}}, nn::BatchNorm{4}, nn::ReLU{},    nn::MaxPool1d{2},
                       nn::Conv1d{4, 6, 3, {.groups = 2}},  nn::AvgPool1d{2}, nn::Flatten{}, nn::Linear{12, 5}};
    const auto report = io::load_pytorch(net, golden + "convolutions.f32.safetensors", {13, 3});
    CHECK(report.complete());
    net.eval();
    require_close(net(expected.get<float>("convolutions/input")).value(), expected.get<float>("convolutions/output"), 1e-5);
    const TemporaryFolder folder;
    io::save_pytorch(net, folder / "back", {13, 3});
    const auto there = io::load_safetensors(golden + "convolutions.f32.safetensors");
    const auto back = io::load_safetensors(folder / "back");
    for (const auto& [name, tensor] : there) {
        CAPTURE(name);
        CHECK(back.at(name).extents() == tensor.extents());
        if (!name.ends_with("num_batches_tracked"))
            CHECK(back.get<float>(name) == there.get<float>(name));
    }
}

TEST_CASE("the same file without turning over gives other outputs: shapes alone do not tell", "[io][pytorch]") {
    auto net = flat_net<float>();
    const auto expected = io::load_safetensors(golden + "expected.safetensors");
    const std::string path = golden + "flat.f32.safetensors";
    io::load(net, path, {.unmarked = true});
    const auto wrong = net.predict(expected.get<float>("flat/input"));
    CHECK(std::abs(wrong.at("a")[0] - expected.get<float>("flat.f32/a")[0]) > 0.001F);
    CHECK(std::abs(wrong.at("b")[0] - expected.get<float>("flat.f32/b")[0]) > 0.001F);
    CHECK_THROWS_AS(io::load(net, path), IoError);
}

TEMPLATE_TEST_CASE("what goes to PyTorch comes back bit by bit", "[io][pytorch]", float, double) {
    using T = TestType;
    const TemporaryFolder folder;
    const auto round = [&](auto net, const Shape& sample) {
        auto back = net;
        scramble(net, 1);
        scramble(back, 1001);
        io::save_pytorch(net, folder / "there", sample, {.metadata = {{"classes", "a b"}}});
        const auto report = io::load_pytorch(back, folder / "there", sample);
        CHECK(report.complete());
        CHECK(report.metadata.at("classes") == "a b");
        CHECK(report.metadata.at("layout") == "NCHW");
        CHECK(same_bits(net.state_dict(), back.state_dict()));
        CHECK_THROWS_WITH(io::load(back, folder / "there"),
                          ContainsSubstring("expected layout NHWC in ") &&
                              ContainsSubstring("got NCHW: a file for PyTorch is read by io::load_pytorch"));
    };
    round(rgb_net<T>(), rgb_sample);
    round(flat_net<T>(), rgb_sample);
    round(decoder_net<T>(), decoder_sample);
    round(Mixed<T>{}, mixed_sample);
    round(nn::Linear<T>{3, 2}, {3});
    round(nn::BatchNorm<T>{3}, {4, 4, 3});
}

TEST_CASE("a file that goes to PyTorch is the one that came from there", "[io][pytorch]") {
    const TemporaryFolder folder;
    auto net = rgb_net<float>();
    io::load_pytorch(net, golden + "rgb.f32.safetensors", rgb_sample);
    io::save_pytorch(net, folder / "back", rgb_sample);
    const auto there = io::load_safetensors(golden + "rgb.f32.safetensors");
    const auto back = io::load_safetensors(folder / "back");
    REQUIRE(there.size() == back.size());
    for (const auto& [name, tensor] : there) {
        CAPTURE(name);
        CHECK(back.at(name).extents() == tensor.extents());
        if (io::detail::last_of(name) == "num_batches_tracked")
            CHECK(back.get<std::int64_t>(name).item() == 0);
        else
            CHECK(back.at(name).bytes() == tensor.bytes());
    }
    CHECK(back.metadata().at("format") == "pt");
}

TEST_CASE("a run that finds out changes nothing in a net", "[io][pytorch]") {
    const TemporaryFolder folder;
    manual_seed(1);
    nn::Sequential net{nn::Conv2d{3, 4, 3}, nn::BatchNorm{4}, nn::Dropout{0.5}, nn::Flatten{}, nn::Linear{16, 2}};
    auto same = net;
    net.parameters()[0].node()->requires_grad = false;  // frozen
    net.train();
    const auto before = net.state_dict();
    io::save_pytorch(net, folder / "net", {4, 4, 3});
    no_grad([&] { return io::load_pytorch(net, folder / "net", {4, 4, 3}); });
    CHECK(same_bits(net.state_dict(), before));
    CHECK_FALSE(net.parameters()[0].requires_grad());
    CHECK(net.parameters()[1].requires_grad());
    CHECK_FALSE(net.parameters()[1].has_grad());
    const Variable<float> x{normal<float>({8, 4, 4, 3})};
    const auto a = net(x).value();  // in training mode: batch statistics, and the next numbers of the dropout
    CHECK(same_bits(a, same(x).value()));
    CHECK(same_bits(net.state_dict(), same.state_dict()));
    CHECK_THROWS_AS(io::save_pytorch(net, folder / "net", {5, 5, 3}), ShapeError);
    CHECK(same_bits(net(x).value(), same(x).value()));
}

TEST_CASE("names: a prefix, a renaming, and what is left out", "[io][pytorch]") {
    const TemporaryFolder folder;
    auto net = rgb_net<float>();
    scramble(net, 1);
    const auto theirs = [](const std::string& path) {
        if (path.starts_with("trunk."))
            return "backbone.features" + path.substr(5);
        return path.starts_with("heads.left") ? "fc." + path.substr(11) : std::string{};
    };
    io::save_pytorch(net, folder / "theirs", rgb_sample, {.rename = theirs});
    const auto file = io::load_safetensors(folder / "theirs");
    CHECK(file.contains("backbone.features.0.weight"));
    CHECK(file.contains("backbone.features.1.num_batches_tracked"));
    CHECK(file.contains("fc.bias"));
    CHECK(file.size() == 21);

    auto other = rgb_net<float>();
    auto& trunk = other.trunk();
    const auto report = io::load_pytorch(trunk, folder / "theirs", rgb_sample, {.prefix = "backbone.features"});
    CHECK(report.complete());
    CHECK(report.ignored.size() == 2);  // counters of batches
    CHECK(same_bits(trunk.state_dict(), net.trunk().state_dict()));
    const auto half = io::load_pytorch(other, folder / "theirs", rgb_sample,
                                       {.strict = false, .rename = [](const std::string& name) {
                                            return name.starts_with("fc.") ? "heads.left." + name.substr(3) : std::string{};
                                        }});
    CHECK(half.loaded == std::vector<std::string>{"heads.left.weight", "heads.left.bias"});
    CHECK(half.unexpected.empty());
    CHECK(half.ignored.size() == 19);
    CHECK(half.missing.size() == other.state_dict().size() - 2);
    CHECK(same_bits(other.state_dict().at("heads.left.weight"), net.state_dict().at("heads.left.weight")));

    // A look-up in a table meets no counter, which the table need not have.
    const std::map<std::string, std::string> table{
        {"weight", "w"}, {"bias", "b"}, {"running_mean", "stats.mean"}, {"running_var", "stats.var"}};
    nn::BatchNorm norm{3};
    const auto at = [&](const std::string& path) { return table.at(path); };
    io::save_pytorch(norm, folder / "norm", {3}, {.rename = at});
    CHECK(io::load_safetensors(folder / "norm").contains("stats.num_batches_tracked"));
    io::save_pytorch(norm, folder / "norm", {3});
    const auto renamed = [&](const std::string& name) {
        REQUIRE(name != "num_batches_tracked");
        return name;
    };
    CHECK(io::load_pytorch(norm, folder / "norm", {3}, {.rename = renamed}).ignored == std::vector<std::string>{"num_batches_tracked"});

    const auto before = other.state_dict();
    const auto clash = [&] {
        const auto rename = [](const std::string&) { return std::string{"heads.left.bias"}; };
        return io::load_pytorch(other, folder / "theirs", rgb_sample, {.strict = false, .rename = rename});
    };
    CHECK_THROWS_AS(clash(), StateError);
    CHECK_THROWS_WITH(clash(),
                      ContainsSubstring("got others: two tensors for one path: 'backbone.features.0.bias' and 'backbone.features.0.weight' "
                                        "for heads.left.bias, ") &&
                          ContainsSubstring(" more"));
    const auto throws = [](const std::string&) -> std::string { throw 1; };
    const auto same = [](const std::string&) { return std::string{"a"}; };
    CHECK_THROWS_AS(io::load_pytorch(other, folder / "theirs", rgb_sample, {.rename = throws}), int);
    CHECK_THROWS_AS(io::save_pytorch(net, folder / "theirs", rgb_sample, {.rename = same}), StateError);
    CHECK(same_bits(other.state_dict(), before));
}

TEST_CASE("what does not fit is told once, in PyTorch's shapes, before anything changes", "[io][pytorch]") {
    const TemporaryFolder folder;
    nn::Sequential net{nn::Conv2d{3, 4, 5}, nn::BatchNorm{4}, nn::Flatten{}, nn::Linear{16, 2}};
    const auto before = net.state_dict();
    io::TensorFile file;
    file.insert("0.weight", Tensor<float>{Shape{4, 5, 5, 3}});  // ours, under the wrong door
    file.insert("0.bias", Tensor<std::int64_t>{Shape{4}});
    file.insert("1.weight", Tensor<float>{Shape{4}});
    file.insert("1.bias", Tensor<float>{Shape{4}});
    file.insert("1.running_mean", Tensor<float>{Shape{4}});
    file.insert("1.num_batches_tracked", Tensor<std::int64_t>::scalar(3));
    file.insert("3.weight", Tensor<float>{Shape{2, 12}});
    file.insert("fc.weight", Tensor<float>{Shape{2}});
    io::save_safetensors(folder / "bad", file);
    const auto load = [&] { return io::load_pytorch(net, folder / "bad", {6, 6, 3}); };
    CHECK_THROWS_AS(load(), StateError);
    CHECK_THROWS_WITH(load(),
                      concat("[load_pytorch] expected the tensors of this model in ", folder / "bad",
                             ", got others: 0.weight of shape (4, 3, 5, 5) came as shape (4, 5, 5, 3), 0.bias of type F16, BF16, F32 "
                             "or F64 came as type I64, 3.weight of shape (2, 16) came as shape (2, 12); missing 1.running_var, "
                             "3.bias; unexpected fc.weight"));
    CHECK(same_bits(net.state_dict(), before));
    const auto report = io::load_pytorch(net, folder / "bad", {6, 6, 3}, {.strict = false});
    CHECK(report.loaded == std::vector<std::string>{"1.weight", "1.bias", "1.running_mean"});
    CHECK(report.ignored == std::vector<std::string>{"1.num_batches_tracked"});

    io::save(net, folder / "ours");
    CHECK_THROWS_AS(io::load_pytorch(net, folder / "ours", {6, 6, 3}), IoError);
    CHECK_THROWS_WITH(io::load_pytorch(net, folder / "ours", {6, 6, 3}),
                      ContainsSubstring("got layout NHWC: what io::save wrote is read by io::load"));
    CHECK_THROWS_AS(io::load_pytorch(net, folder / "absent", {6, 6, 3}), IoError);
    CHECK_THROWS_WITH(io::load_pytorch(net, folder / "bad", {6, 6, 1}),
                      "[conv2d] expected 3 input channels, got input (2, 6, 6, 1), in layer 0, for samples of shape (6, 6, 1)");
    for (const Shape& sample : {Shape{}, Shape{6, 0, 3}})
        CHECK_THROWS_WITH(io::load_pytorch(net, folder / "bad", sample),
                          ContainsSubstring("expected the shape of one sample, such as (32, 32, 3), got ("));
    io::save_safetensors(folder / "empty", {});
    CHECK_THROWS_WITH(io::load_pytorch(net, folder / "empty", {6, 6, 3}), ContainsSubstring("got others: missing 0.weight, 0.bias, "));
}

TEST_CASE("a tensor whose order cannot be seen is refused in both directions, others are not", "[io][pytorch]") {
    const TemporaryFolder folder;
    const auto half = [](const Variable<float>& x) { return autograd::narrow(x, 1, 0, 24); };
    nn::Sequential net{nn::Conv2d{3, 3, 1}, nn::Flatten{}, half, nn::Linear{24, 2}};
    const auto before = net.state_dict();
    io::TensorFile file;
    for (const auto& [name, tensor] : before)
        file.insert(name, Tensor<float>::ones(name == "0.weight" ? Shape{3, 3, 1, 1} : tensor.shape()));
    io::save_safetensors(folder / "file", file);
    const auto load = [&] { return io::load_pytorch(net, folder / "file", {4, 4, 3}); };
    CHECK_THROWS_AS(load(), StateError);
    CHECK_THROWS_WITH(load(), Catch::Matchers::EndsWith("got others: 3.weight: cannot see through 'narrow' from (2, 48) to (2, 24)"));
    CHECK_THROWS_AS(io::save_pytorch(net, folder / "back", {4, 4, 3}), StateError);
    CHECK_THROWS_WITH(
        io::save_pytorch(net, folder / "back", {4, 4, 3}),
        "[save_pytorch] expected tensors whose order in PyTorch can be seen, got others: 3.weight: cannot see through 'narrow' "
        "from (2, 48) to (2, 24)");
    CHECK_FALSE(std::filesystem::exists(folder / "back"));
    CHECK(same_bits(net.state_dict(), before));
    const auto report = io::load_pytorch(net, folder / "file", {4, 4, 3}, {.strict = false});
    CHECK(report.loaded == std::vector<std::string>{"0.weight", "0.bias", "3.bias"});
    CHECK(same_bits(net.state_dict().at("3.weight"), before.at("3.weight")));
}

TEST_CASE("values that are not finite are loaded as they are", "[io][pytorch]") {
    const TemporaryFolder folder;
    nn::Linear<float> net{1, 2};
    io::TensorFile file;
    const float infinity = std::numeric_limits<float>::infinity();
    file.insert("weight", Tensor<float>{{2, 1}, {infinity, std::numeric_limits<float>::quiet_NaN()}});
    file.insert("bias", Tensor<double>{{2}, {1e300, -0.0}});
    io::save_safetensors(folder / "odd", file);
    io::load_pytorch(net, folder / "odd", {1});
    CHECK(net.weight().value()[0] == infinity);
    CHECK(std::isnan(net.weight().value()[1]));
    CHECK(net.bias().value()[0] == infinity);
    CHECK(std::signbit(net.bias().value()[1]));
}

TEST_CASE("a head that begins behind a flatten is told so", "[io][pytorch]") {
    auto whole = flat_net<float>();
    io::load_pytorch(whole, golden + "flat.f32.safetensors", rgb_sample);
    nn::Linear head{36, 36};
    io::load_pytorch(head, golden + "flat.f32.safetensors", {3, 4, 3}, {.prefix = "heads.a.2", .flattened = true});
    CHECK(same_bits(head.weight().value(), whole.state_dict().at("heads.a.2.weight")));
    io::load_pytorch(head, golden + "flat.f32.safetensors", {36}, {.prefix = "heads.a.2"});
    CHECK_FALSE(same_bits(head.weight().value(), whole.state_dict().at("heads.a.2.weight")));
    CHECK_THROWS_AS(io::load_pytorch(head, golden + "flat.f32.safetensors", {36}, {.prefix = "heads.a.2", .flattened = true}), ShapeError);
}

/// Run by pytorch_back.py, which lets PyTorch read the files.
TEST_CASE("files for PyTorch, and what it must make of them", "[.pytorch_back]") {
    const char* const folder = std::getenv("ESPALIER_PYTORCH_BACK");
    REQUIRE(folder);
    const auto write = [&](auto net, const std::string& name, const Shape& sample) {
        scramble(net, 3);
        const std::filesystem::path to{folder};
        io::save_pytorch(net, to / (name + ".safetensors"), sample);
        const auto x = normal<float>(sample.prepended(3));
        io::TensorFile expected;
        expected.insert("input", x);
        for (const auto& [task, output] : outputs(net, x))
            expected.insert(task, output);
        io::save_safetensors(to / (name + ".expected.safetensors"), expected);
    };
    write(rgb_net<float>(), "rgb", rgb_sample);
    write(flat_net<float>(), "flat", rgb_sample);
    write(decoder_net<float>(), "decoder", decoder_sample);
    write(Mixed<float>{}, "mixed", mixed_sample);
}

TEST_CASE("a net with an encoder goes to PyTorch and comes back", "[io][pytorch]") {
    const TemporaryFolder folder;
    manual_seed(3);
    const nn::Sequential image{nn::Standardize{3}, nn::Conv2d{3, 4, 3}, nn::ReLU{}, nn::Flatten{}};  // (4, 5, 3) gives 2 * 3 * 4
    const nn::Concatenated encoder{nn::From{"city", nn::Embedding{7, 2}}, nn::From{"image", image},
                                   nn::Table{nn::TableInputs{.numbers = {{"age", 2}}, .categories = {{"job", 5, 3}}}}};
    mtl::MultiTaskNet net{encoder, nn::Sequential{nn::Linear{31, 6}, nn::ReLU{}}, {{"a", nn::Linear{6, 2}}}};
    scramble(net, 1);
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const data::Inputs<float> samples{{"city", Tensor<Index>{{3}, {6, 0, 1}}},
                                      {"image", normal<float>({3, 4, 5, 3})},
                                      {"age", Tensor<float>{{3, 2}, {nan, 2, 3, 4, 5, nan}}},
                                      {"job", Tensor<Index>{{3}, {-1, 4, 0}}}};
    io::save_pytorch(net, folder / "net", samples);
    auto back = net;
    scramble(back, 1001);
    const auto report = io::load_pytorch(back, folder / "net", samples);
    CHECK(report.complete());
    CHECK(same_bits(back.state_dict(), net.state_dict()));
    CHECK(same_bits(back.predict(samples), net.predict(samples)));

    // The columns that read the image are turned over as those of a net of the image alone, the others are not.
    nn::Sequential<float> alone = image;
    alone.add(nn::Linear{24, 6});
    auto state = alone.state_dict();
    const auto whole = net.state_dict();
    const auto& weight = whole.at("trunk.0.weight");
    for (const auto& [path, tensor] : whole)
        if (path.starts_with("encoder.1."))
            state.at(path.substr(10)) = tensor;
    for (Index row = 0; row < 6; ++row)
        std::copy_n(weight.data() + row * 31 + 2, 24, state.at("4.weight").data() + row * 24);
    alone.load_state_dict(state);
    io::save_pytorch(alone, folder / "alone", {4, 5, 3});
    const auto file = io::load_safetensors(folder / "net");
    const auto of_image = io::load_safetensors(folder / "alone");
    CHECK(file.get<float>("encoder.1.1.weight") == of_image.get<float>("1.weight"));
    const auto there = file.get<float>("trunk.0.weight");
    const auto there_alone = of_image.get<float>("4.weight");
    for (Index row = 0; row < 6; ++row)
        for (Index column = 0; column < 31; ++column)
            CHECK(there.at(row, column) == (column < 2 || column >= 26 ? weight.at(row, column) : there_alone.at(row, column - 2)));

    CHECK_THROWS_WITH(io::load_pytorch(back, folder / "net", {4, 5, 3}), ContainsSubstring("expected inputs by name, 'city', 'image'"));
    CHECK_THROWS_AS(io::load_pytorch(back, folder / "net", samples, {.flattened = true}), StateError);
    CHECK_THROWS_WITH(io::load_pytorch(back, folder / "net", data::Inputs<float>{{"city", Tensor<Index>{Shape{0}}}}),
                      "[load_pytorch] expected at least one sample of 'city', got none");
}

TEST_CASE("what an encoder makes behind the tape's back is refused", "[io][pytorch]") {
    struct Behind : nn::Module<Behind, float> {
        nn::Conv2d<float> convolution{1, 2, 1};
        Variable<float> operator()(const data::Inputs<float>& inputs) {
            const auto image = convolution(data::values_of(inputs, "image"));
            return autograd::flatten(Variable<float>{image.value()});  // cut
        }
        void visit(nn::Visitor<float>& v) { v("convolution", convolution); }
    };
    const TemporaryFolder folder;
    mtl::MultiTaskNet<float> net{nn::Encoder<float>{Behind{}}, nn::Sequential{nn::Linear{8, 2}}, {{"a", nn::Linear{2, 1}}}};
    CHECK_THROWS_AS(io::save_pytorch(net, folder / "net", data::Inputs<float>{{"image", normal<float>({1, 2, 2, 1})}}), StateError);
}

#endif
