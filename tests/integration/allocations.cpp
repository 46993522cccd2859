// SPDX-License-Identifier: MIT
// From its third step on, training asks for no memory: everything is made of blocks that earlier steps gave back.
#include <espalier/data.hpp>
#include <espalier/losses.hpp>
#include <espalier/mtl.hpp>
#include <espalier/nn.hpp>
#include <espalier/optim.hpp>

#include "integration/operator_new.hpp"
#include "nn/testing.hpp"
#include "threads.hpp"

using namespace espalier;
using testing::normal;

#if ESPALIER_POOL_MEMORY  // it is off under the address sanitizer
namespace {

const char* const garment = "the kind of garment in the upper left corner";
const char* const brightness = "its mean brightness, for some images only";

/// Calls of `operator new` in steps 3 to 20 of a training whose steps are ended by `update`.
template <class MakeUpdate>
long allocations_of_training(int threads, const MakeUpdate& make_update) {
    const testing::Threads guard{threads};
    manual_seed(1);
    nn::Sequential trunk{nn::Conv2d{1, 8, 3, {.padding = 1}},
                         nn::BatchNorm{8},
                         nn::ReLU{},
                         nn::MaxPool2d{2},
                         nn::Flatten{},
                         nn::Linear{512, 32},
                         nn::ReLU{},
                         nn::Dropout{0.2}};
    mtl::MultiTaskNet net{std::move(trunk), {{garment, nn::Linear{32, 5}}, {brightness, nn::Linear{32, 1}}}};
    const mtl::MultiTaskLoss criterion{{garment, losses::CrossEntropy{}}, {brightness, losses::MSE{}, 0.5}};

    auto mask = Tensor<bool>::full({32}, true);
    for (Index i = 0; i < 32; i += 3)
        mask[i] = false;
    const data::Batch<float> batch{normal<float>({32, 16, 16, 1}),
                                   {{garment, Tensor<Index>::full({32}, 2)}, {brightness, {normal<float>({32, 1}, 2), mask}}}};
    auto update = make_update(net);
    long before = 0;
    for (int step = 1; step <= 20; ++step) {
        if (step == 3)
            before = testing::allocations;
        const auto loss = criterion(net(batch.input), batch.targets);
        update(net, loss);
    }
    return testing::allocations - before;
}

}  // namespace

TEST_CASE("a training step allocates nothing from the third on", "[integration][memory]") {
    const int threads = GENERATE(1, 2);
    CAPTURE(threads);
    const auto with_sgd = [](auto& model) {
        return [sgd = optim::SGD{model.parameters(), {.learning_rate = 0.01, .momentum = 0.9}}](auto&, const auto& loss) mutable {
            sgd.zero_grad();
            loss.backward();
            sgd.step();
        };
    };
    CHECK(allocations_of_training(threads, with_sgd) == 0);
    const auto with_clipped_adam = [](auto& model) {
        return [adam = optim::Adam{model.parameters()}](auto&, const auto& loss) mutable {
            adam.zero_grad();
            loss.backward();
            (void)optim::clip_grad_norm(adam.parameters(), 0.1);
            adam.step();
        };
    };
    CHECK(allocations_of_training(threads, with_clipped_adam) == 0);
}

TEST_CASE("the tutorial's loop allocates nothing in a step", "[integration][memory]") {
    const auto as_in_the_tutorial = [](auto& model) {
        auto sgd = std::make_shared<optim::SGD<float>>(model.parameters(), optim::SGDOptions{.learning_rate = 0.01, .momentum = 0.9});
        auto schedule = std::make_shared<optim::Scheduler<float>>(*sgd, optim::LinearWarmup{{.steps = 5},
                                                                                            optim::CosineAnnealingLR{{.t_max = 30}}});
        return [=, sum = 0.0](auto&, const auto& loss) mutable {
            sgd->zero_grad();
            loss.backward();
            optim::clip_grad_norm(sgd->parameters(), 5.0);
            sgd->step();
            schedule->step();
            sum += loss.item(garment) + loss.item(brightness);
        };
    };
    CHECK(allocations_of_training(1, as_in_the_tutorial) == 0);
}

TEST_CASE("a step with inputs by name allocates nothing either", "[integration][memory]") {
    manual_seed(1);
    const data::Batch<> batch{{},
                              {{garment, Tensor<Index>::full({32}, 2)}, {brightness, normal<float>({32, 1}, 2)}},
                              {{"image of the garment", normal<float>({32, 6, 6, 1})},
                               {"price in euros", normal<float>({32})},
                               {"country of origin", Tensor<Index>::full({32}, 1)}}};
    nn::Table table{{.numbers = {{"price in euros"}}, .categories = {{"country of origin", 40}}}, batch.inputs};
    const Index width = table.width() + 64;
    nn::Concatenated encoder{std::move(table),
                             nn::From{"image of the garment", nn::Sequential{nn::Conv2d{1, 4, 3}, nn::ReLU{}, nn::Flatten{}}}};
    mtl::MultiTaskNet net{std::move(encoder),
                          nn::Sequential{nn::Linear{width, 32}, nn::ReLU{}},
                          {{garment, nn::Linear{32, 5}}, {brightness, nn::Linear{32, 1}}}};
    const mtl::MultiTaskLoss criterion{{garment, losses::CrossEntropy{}}, {brightness, losses::MSE{}}};
    optim::Adam adam{net.parameters()};
    long before = 0;
    for (int step = 1; step <= 10; ++step) {
        if (step == 3)
            before = testing::allocations;
        const auto loss = criterion(net(batch.inputs), batch.targets);
        adam.zero_grad();
        loss.backward();
        adam.step();
    }
    CHECK(testing::allocations - before == 0);
}

TEST_CASE("ways of sharing allocate nothing in a step, their penalties and derived outputs neither", "[integration][memory]") {
    const auto network = [] { return nn::Sequential{nn::Linear{6, 8}, nn::Tanh{}, nn::Linear{8, 8}}; };
    const auto experts = [&](auto gate) { return mtl::MMoE{mtl::repeat(4, network), mtl::repeat(2, gate)}; };
    const auto attended = [&](Index read) {
        const auto mask = [=] { return nn::Linear{read, 8}; };
        return mtl::AttentionStage<>{.masks = mtl::repeat(2, mask), .carries = {nn::Tanh{}, nn::Tanh{}}};
    };
    const auto layers = [](std::size_t count, Index out) { return mtl::repeat(count, [=] { return nn::Linear{6, out}; }); };
    const std::vector<mtl::Sharing<>> sharings{
        mtl::CrossStitch{mtl::repeat(2, network)},
        mtl::Sluice{mtl::repeat(2, network)},
        mtl::SoftSharing{mtl::repeat(2, network), {.attraction = mtl::Attraction::trace_norm}},
        mtl::LTB{mtl::repeat(2, network)},
        mtl::MTAN{network(), {attended(8), attended(16)}, {.after = {2, 3}}},
        mtl::AITM{8, mtl::repeat(2, network), {nn::Linear{8, 8}}},
        mtl::RelatedTowers{mtl::repeat(2, network), {nn::Identity{}, nn::Linear{16, 8}}, {{}, {0}}},
        experts([] {
            return mtl::DSelectK{4, {.inputs = 6}};
        }),
        experts([] {
            return mtl::NoisyTopK{6, 4};
        }),
        mtl::task_norms(nn::Sequential{nn::Linear{6, 8}, nn::BatchNorm{8}}, 2),
        mtl::LowRankAdapters{network(), 2},
        mtl::PEPNet{mtl::repeat(2, network), {.embedding = {0, 6}, .domain = {1, 2}, .priors = {3, 1}, .widths = {8}, .after = {2}}},
        mtl::STEM<>{layers(3, 6), {{.own = {layers(1, 8), layers(1, 8)}, .shared = layers(1, 8), .gates = layers(2, 3)}}},
    };
    const auto x = normal<float>({9, 6});
    const losses::Targets<> targets{{"a", normal<float>({9, 1}, 2)}, {"b", normal<float>({9, 1}, 3)}};
    for (std::size_t way = 0; way < sharings.size(); ++way) {
        mtl::MultiTaskNet<> net{sharings[way], {{"a", nn::Linear{8, 1}}, {"b", nn::Linear{8, 1}}}};
        net.derive("the sum of both outputs", [](const mtl::Outputs<>& outputs) { return outputs.at("a") + outputs.at("b"); });
        mtl::MultiTaskLoss criterion{{"a", losses::MSE{}}, {"b", losses::MSE{}}, {"the sum of both outputs", mtl::no_loss}};
        criterion.balance(mtl::UPGrad{});
        optim::SGD sgd{net.parameters(), {.learning_rate = 0.01}};
        long before = 0;
        for (int step = 1; step <= 10; ++step) {
            if (step == 3)
                before = testing::allocations;
            const auto outputs = net(x);
            const auto loss = criterion(outputs, targets).add(net.penalty());
            sgd.zero_grad();
            loss.backward();
            sgd.step();
        }
        const long in_steps = testing::allocations - before;
        CAPTURE(way);
        CHECK(in_steps == 0);
    }
}

TEST_CASE("networks of preferences allocate nothing in a step", "[integration][memory]") {
    const auto x = normal<float>({9, 6});
    const losses::Targets<> targets{{"a", normal<float>({9, 1}, 2)}, {"b", normal<float>({9, 1}, 3)}};
    const std::vector<double> preference{0.3, 0.7};
    const std::vector<mtl::Head<>> heads{{"a", nn::Linear{8, 1}}, {"b", nn::Linear{8, 1}}};
    const nn::Sequential trunk{nn::Linear{6, 8}, nn::BatchNorm{8}, nn::ReLU{}};
    const auto allocations = [&](auto& net, const auto& run) {
        mtl::MultiTaskLoss criterion{{"a", losses::MSE{}}, {"b", losses::MSE{}}};
        criterion.balance(mtl::EPO{{.preference = preference}});
        optim::SGD sgd{net.parameters(), {.learning_rate = 0.01}};
        long before = 0;
        for (int step = 1; step <= 10; ++step) {
            if (step == 3)
                before = testing::allocations;
            const auto loss = criterion(run(net), targets);
            sgd.zero_grad();
            loss.backward();
            sgd.step();
        }
        return testing::allocations - before;
    };
    mtl::MultiTaskNet film{mtl::PreferenceFiLM{trunk, 2, {.after = {2}, .channels = {8}}}, heads};
    CHECK(allocations(film, [&](auto& net) { return net(mtl::with_preference(x, preference)); }) == 0);
    mtl::Hypernetwork hypernetwork{mtl::MultiTaskNet{trunk, heads}, 2};
    CHECK(allocations(hypernetwork, [&](auto& net) { return net(x, preference); }) == 0);
}
#endif
