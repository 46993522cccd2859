// SPDX-License-Identifier: MIT
// A table with holes and three kinds of targets, from the file to answers in the units of the file.
#include <espalier/data.hpp>
#include <espalier/io/model.hpp>
#include <espalier/io/table_encoder.hpp>
#include <espalier/losses.hpp>
#include <espalier/mtl.hpp>
#include <espalier/nn.hpp>
#include <espalier/optim.hpp>

#include "catch.hpp"
#include "io/files.hpp"
#include "nn/testing.hpp"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

using namespace espalier;

namespace {

/// Pay follows from age and job, owning from pay, the level from age; every seventh cell or so is empty.
std::string people(Index rows, std::uint64_t seed) {
    const std::string jobs[] = {"baker", "cook", "smith"};
    Random random{seed};
    std::string text = "age,job,pay,owner,level\n";
    for (Index i = 0; i < rows; ++i) {
        const Index age = 20 + random.below(40), job = random.below(3);
        const Index pay = 1000 + 40 * age + 500 * job;
        const auto cell = [&](const std::string& value) { return random.below(7) == 0 ? std::string{i % 2 ? "" : "NA"} : value; };
        text += cell(std::to_string(age)) + ',' + cell(jobs[job]) + ',' + cell(std::to_string(pay)) + ',';
        text += cell(pay > 3000 ? "yes" : "no") + ',' + cell(age > 40 ? "senior" : "junior") + '\n';
    }
    return text;
}

mtl::MultiTaskNet<> network(Index width) {
    return {nn::Sequential{nn::Linear{width, 32}, nn::ReLU{}},
            {{"pay", nn::Linear{32, 1}}, {"owner", nn::Linear{32, 1}}, {"level", nn::Linear{32, 2}}}};
}

}  // namespace

TEST_CASE("a table with holes trains three tasks, and a saved encoder answers for new rows", "[integration][table]") {
    const TemporaryFolder folder;
    const auto table = io::load_csv(folder.file("people.csv", people(600, 1)));
    const io::TableEncoder encoder{
        table,
        {.numbers = {"age"},
         .categories = {"job"},
         .indicators = true,
         .targets = {io::number_target("pay"), io::binary_target("owner", "no", "yes"), io::class_target("level")}}};
    const data::Dataset set{encoder.features(table), encoder.targets(table)};
    for (const auto& [task, target] : set.targets()) {
        CHECK(target.labelled_count() < 560);
        CHECK(target.labelled_count() > 460);
    }

    manual_seed(1);
    auto net = network(encoder.width());
    mtl::MultiTaskLoss criterion{{"pay", losses::MSE{}}, {"owner", losses::BCEWithLogits{}}, {"level", losses::CrossEntropy{}}};
    optim::Adam adam{net.parameters(), {.learning_rate = 0.01}};
    data::DataLoader loader{set, {.batch_size = 50}};
    for (int epoch = 0; epoch < 30; ++epoch)
        for (const auto& batch : loader) {
            auto loss = criterion(net(batch.input), batch.targets);
            adam.zero_grad();
            loss.backward();
            adam.step();
        }

    // Elsewhere: the net and the encoder from their files, the columns in another order, a job that was never seen.
    io::save(net, folder / "net.safetensors");
    io::write_file(folder / "encoder.json", encoder.to_json());
    const auto restored = io::TableEncoder::from_json(io::read_file(folder / "encoder.json"));
    auto other = network(restored.width());
    io::load(other, folder / "net.safetensors");
    const auto rows = io::parse_csv("job,age\ncook,25\nsmith,55\npilot,\n");
    const auto answers = other.predict(restored.features(rows));
    const auto pay = restored.unscaled("pay", answers.at("pay"));
    CHECK(std::abs(pay[0] - 2500) < 250);
    CHECK(std::abs(pay[1] - 4200) < 250);
    CHECK(std::isfinite(pay[2]));
    CHECK(answers.at("owner")[0] < 0);
    CHECK(answers.at("owner")[1] > 0);
    CHECK(restored.classes("level") == std::vector<std::string>{"junior", "senior"});
    CHECK(answers.at("level").at(0, 0) > answers.at("level").at(0, 1));
    CHECK(answers.at("level").at(1, 0) < answers.at("level").at(1, 1));
}

TEST_CASE("a net that standardises takes raw numbers, also from its file", "[integration][table]") {
    const TemporaryFolder folder;
    Random random{1};
    auto inputs = Tensor<float>::uniform({200, 2}, random, 1000, 2000);
    Tensor<float> sum{Shape{200, 1}};
    for (Index i = 0; i < 200; ++i)
        sum[i] = (inputs[2 * i] + inputs[2 * i + 1]) / 1000;
    const auto make = [](nn::Standardize<> scale) {
        return mtl::MultiTaskNet<>{nn::Sequential{std::move(scale), nn::Linear{2, 8}, nn::Tanh{}}, {{"sum", nn::Linear{8, 1}}}};
    };
    manual_seed(1);
    auto net = make(nn::Standardize{inputs});
    mtl::MultiTaskLoss criterion{{"sum", losses::MSE{}}};
    optim::Adam adam{net.parameters(), {.learning_rate = 0.02}};
    const auto scale = net.state_dict().at("trunk.0.mean");
    for (int step = 0; step < 300; ++step) {
        auto loss = criterion(net(inputs), {{"sum", sum}});
        adam.zero_grad();
        loss.backward();
        adam.step();
    }
    CHECK(net.state_dict().at("trunk.0.mean") == scale);  // nobody trains it
    io::save(net, folder / "net.safetensors");
    auto other = make(nn::Standardize{2});
    io::load(other, folder / "net.safetensors");
    const Tensor<float> raw{{1, 2}, {1200, 1700}};
    CHECK(other.predict(raw).at("sum") == net.predict(raw).at("sum"));
    CHECK(other.predict(raw).at("sum").item() == Approx(2.9).epsilon(0.03));
}

TEMPLATE_TEST_CASE("nn::Table gives PyTorch's features and gradients", "[integration][table][golden]", float, double) {
    using T = TestType;
    const auto file = io::load_safetensors(ESPALIER_GOLDEN_DIR "/table.safetensors");
    const double tolerance = std::is_same_v<T, double> ? 1e-12 : 1e-5;
    Tensor<T> size{Shape{6, 2}};
    for (Index i = 0; i < 12; ++i)
        size[i] = static_cast<T>(3 * std::cos(0.9 * static_cast<double>(i)) + 1);
    size.at(2, 1) = std::numeric_limits<T>::quiet_NaN();
    const data::Inputs<T> inputs{
        {"city", Tensor<Index>{{6}, {3, -1, -1, 0, 1, 3}}}, {"job", Tensor<Index>{{6}, {0, 2, -1, 1, 2, 2}}}, {"size", size}};
    const nn::Table encoder{{.numbers = {{"size", 2}}, .categories = {{"job", 3, 2}, {"city", 4, 3}}}, inputs};
    Index place = 0;
    for (auto& [name, parameter] : encoder.named_parameters())
        for (T& value : parameter.mutable_value())
            value = static_cast<T>(0.6 * std::sin(1.7 * static_cast<double>(place++) + 0.3));
    const auto features = encoder(inputs);
    testing::require_close(features.value(), file.template get<T>("features"), tolerance);
    sum(features * features).backward();
    testing::require_close(testing::flat_gradients(encoder.parameters()), file.template get<T>("gradients"), tolerance);
}
