// SPDX-License-Identifier: MIT
#if __has_include(<nlohmann/json.hpp>)

#include <espalier/io/pytorch.hpp>
#include <espalier/nn/trunks/mobilenet_v2.hpp>
#include <espalier/nn/trunks/resnet.hpp>

#include "io/files.hpp"
#include "nn/trunks/testing.hpp"

#include <sstream>
#include <string>

using namespace espalier;
namespace trunks = nn::trunks;

namespace {

/// A file as torchvision would write it, by the names of make_torchvision.py and its formula.
io::TensorFile file_of(const std::string& names) {
    io::TensorFile file;
    std::uint64_t salt = 1;
    std::istringstream lines{names};
    for (std::string line; std::getline(lines, line);) {
        const std::string name = line.substr(0, line.find(' '));
        Shape shape;
        std::istringstream extents{line.substr(name.size() + 1)};
        for (std::string extent; std::getline(extents, extent, ',');)
            shape.append(std::stol(extent));
        const std::string kind = name.substr(name.rfind('.') + 1);
        if (kind == "num_batches_tracked") {
            file.insert(name, Tensor<std::int64_t>::scalar(7));
            continue;
        }
        const bool matrix = shape.rank() > 1;
        const double factor = matrix ? std::sqrt(6 / static_cast<double>(shape.product(1, shape.rank()))) : kind == "bias" ? 0.5 : 0.25;
        const double middle = matrix ? 0 : kind == "weight" ? 0.75 : kind == "running_var" ? 1 : 0;
        auto tensor = testing::hashed<double>(shape, salt++, factor);
        for (double& value : tensor)
            value += middle;
        file.insert(name, tensor);
    }
    return file;
}

template <class Rename>
void loads_and_agrees(nn::Sequential<float> trunk, const std::string& network, const Rename& rename) {
    CAPTURE(network);
    const auto golden = io::load_safetensors(ESPALIER_GOLDEN_DIR "/torchvision.safetensors");
    const TemporaryFolder folder;
    io::save_safetensors(folder / "torchvision", file_of(golden.metadata().at(network)));
    const auto report = io::load_pytorch(trunk, folder / "torchvision", {72, 65, 3}, {.rename = rename});
    CHECK(report.complete());
    CHECK(report.loaded.size() == trunk.state_dict().size());
    trunk.eval();
    const auto features = no_grad([&] { return trunk(testing::hashed<float>({1, 72, 65, 3}, 0, 2)); });
    CHECK(testing::features_off(features.value(), golden.get<double>(network)) < 1e-5);
}

}  // namespace

TEST_CASE("files by torchvision's names load and give torchvision's features", "[nn][trunks][long]") {
    loads_and_agrees(trunks::mobilenet_v2(3, {.width = 0.25}), "mobilenet_v2", trunks::mobilenet_v2_path);
    if (testing::sanitized)
        return;
    loads_and_agrees(trunks::resnet18(3), "resnet18", trunks::resnet_path);
    loads_and_agrees(trunks::resnet34(3), "resnet34", trunks::resnet_path);
    loads_and_agrees(trunks::resnet50(3), "resnet50", trunks::resnet_path);
}

#endif
