// SPDX-License-Identifier: MIT
#if __has_include(<nlohmann/json.hpp>)

#include <espalier/io/pytorch.hpp>

#include "catch.hpp"
#include "io/files.hpp"
#include "io/pytorch_models.hpp"
#include "nn/testing.hpp"

#include <string>
#include <utility>

using namespace espalier;
using namespace testing;

namespace {

const std::string golden = ESPALIER_GOLDEN_DIR "/pytorch/";

/// Outputs by name, also of a net that has one without a name.
template <class T>
Named<Tensor<T>> outputs(mtl::MultiTaskNet<T>& net, const Tensor<T>& x) {
    return net.predict(x);
}
template <class T>
Named<Tensor<T>> outputs(nn::Sequential<T>& net, const Tensor<T>& x) {
    const nn::EvalScope<T> evaluation{net};
    return {{"output", net(x).value()}};
}

template <class T, class Net>
void gives_what_pytorch_gives(Net net, const std::string& name, const Shape& sample) {
    const auto expected = io::load_safetensors(golden + "expected.safetensors");
    const auto x = expected.get<T>(name + "/input");
    for (const std::string type : {"f32", "f16", "bf16"}) {
        CAPTURE(name, type);
        const auto report = io::load_pytorch(net, golden + name + "." + type + ".safetensors", sample);
        CHECK(report.complete());
        CHECK(report.loaded.size() == net.state().size());
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
}

#endif
