// SPDX-License-Identifier: MIT
/// @file Every operation against PyTorch: value and gradient of every input, in both scalar types.
#include "autograd/registry.hpp"
#include "catch.hpp"

#include <espalier/io/safetensors.hpp>

#include <nlohmann/json.hpp>

#include <deque>
#include <set>
#include <string>
#include <vector>

namespace {

using namespace registry;
using espalier::concat;
using nlohmann::json;

struct Golden {
    explicit Golden(const std::string& name) : file{espalier::io::load_safetensors(ESPALIER_GOLDEN_DIR "/" + name)} {}

    espalier::io::TensorFile file;
    json cases = json::parse(file.metadata().at("cases"));
};

const Golden& golden() {
    static const Golden loaded{"ops.safetensors"};
    return loaded;
}

/// All files of cases: `ops`, and those of what came later.
const std::vector<const Golden*>& all_golden() {
    static std::deque<Golden> later;
    static const auto all = [] {
        std::vector<const Golden*> files{&golden()};
        for (const char* file : {"pooling", "detection", "dense", "layers", "dense_layers", "augment", "keypoints", "attention",
                                 "recurrent", "sequences", "ranking", "recommend"})
            files.push_back(&later.emplace_back(concat(file, ".safetensors")));
        return files;
    }();
    return all;
}

std::string operation_of(const std::string& key) { return key.substr(0, key.find('/')); }

Attributes attributes_of(const json& object) {
    Attributes attributes;
    for (const auto& [name, value] : object.items()) {
        std::vector<double> numbers;
        for (const json& number : value.is_array() ? value : json::array({value}))
            numbers.push_back(number.is_boolean() ? static_cast<double>(number.get<bool>()) : number.get<double>());
        attributes.set(name, numbers);
    }
    return attributes;
}

/// The file holds doubles. The float run takes them rounded, and must come within `tolerance` of the double results.
template <class Scalar>
void compare(const espalier::io::TensorFile& file, const std::string& key, const json& object, double tolerance) {
    Variables<Scalar> inputs;
    while (file.contains(key + "/input" + std::to_string(inputs.size())))
        inputs.emplace_back(file.get<Scalar>(key + "/input" + std::to_string(inputs.size())), true);
    REQUIRE_FALSE(inputs.empty());
    const auto output = row_named(operation_of(key)).apply<Scalar>(inputs, attributes_of(object));
    CHECK(difference(output.value(), file.get<double>(key + "/output")) <= tolerance);
    const auto cotangent = file.get<Scalar>(key + "/cotangent");
    REQUIRE(cotangent.shape() == output.shape());
    const auto gradients = espalier::autograd::vjp<Scalar>(output, Tensor<Scalar>{cotangent.shape().prepended(1), cotangent.span()},
                                                           inputs);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        CAPTURE(i);
        const auto expected = file.get<double>(key + "/grad" + std::to_string(i));
        REQUIRE(gradients[i].shape() == expected.shape().prepended(1));
        CHECK(difference(gradients[i], expected.reshape(gradients[i].shape())) <= tolerance);
    }
}

}  // namespace

TEST_CASE("every operation has at least three golden cases, and every case an operation", "[golden]") {
    std::map<std::string, int> count;
    for (const Golden* const from : all_golden())
        for (const auto& item : from->cases.items()) {
            CAPTURE(item.key());
            CHECK_NOTHROW(row_named(operation_of(item.key())));
            ++count[operation_of(item.key())];
        }
    std::set<std::string> names;
    for (const Row& row : rows()) {
        CAPTURE(row.name);
        CHECK(count[row.name] >= 3);
        CHECK(names.insert(row.name).second);
    }
}

TEST_CASE("values and gradients equal PyTorch's in double to 1e-10", "[golden]") {
    for (const Golden* const from : all_golden())
        for (const auto& item : from->cases.items()) {
            CAPTURE(item.key(), item.value().dump());
            compare<double>(from->file, item.key(), item.value(), 1e-10);
        }
}

TEST_CASE("values and gradients equal PyTorch's in float to 1e-5", "[golden]") {
    for (const Golden* const from : all_golden())
        for (const auto& item : from->cases.items()) {
            CAPTURE(item.key(), item.value().dump());
            compare<float>(from->file, item.key(), item.value(), 1e-5);
        }
}
