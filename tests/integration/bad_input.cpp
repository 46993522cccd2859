// SPDX-License-Identifier: MIT
// Bad input of every kind: one error each that names the place, and a model that is unchanged by a bit and trains on.
#include <espalier/data.hpp>
#include <espalier/io/csv.hpp>
#include <espalier/io/idx.hpp>
#include <espalier/io/model.hpp>
#include <espalier/losses.hpp>
#include <espalier/mtl.hpp>
#include <espalier/nn.hpp>
#include <espalier/optim.hpp>

#include "io/files.hpp"
#include "nn/testing.hpp"

#include <functional>
#include <limits>

using namespace espalier;
using testing::normal;
using testing::same_bits;

namespace {

/// A model in the middle of its training, and all that it needs to go on.
struct Training {
    mtl::MultiTaskNet<float> net = [] {
        manual_seed(1);
        nn::Sequential trunk{nn::Conv2d{1, 4, 3, {.padding = 1}}, nn::ReLU{}, nn::MaxPool2d{2}, nn::Flatten{}, nn::Linear{64, 8}};
        return mtl::MultiTaskNet{std::move(trunk), {{"left", nn::Linear{8, 3}}, {"right", nn::Sequential{nn::ReLU{}, nn::Linear{8, 1}}}}};
    }();
    mtl::MultiTaskLoss<float> criterion{{"left", losses::CrossEntropy{}}, {"right", losses::MSE{}}};
    optim::SGD<float> sgd{net.parameters(), {.learning_rate = 0.1, .momentum = 0.9}};
    Tensor<float> images = normal<float>({4, 8, 8, 1});
    losses::Targets<float> targets{{"left", Tensor<Index>{{4}, {0, 1, 2, 0}}}, {"right", Tensor<float>{Shape{4, 1}}}};
    TemporaryFolder folder;

    Training() { step(images, targets); }

    void step(const Tensor<float>& input, const losses::Targets<float>& labels) {
        sgd.zero_grad();
        const auto loss = criterion(net(input), labels);
        loss.backward();
        sgd.step();
    }

    /// `run` throws an `E` of exactly this text; model and optimizer stay as they are, and training goes on.
    template <class E>
    void refuses(const std::function<void()>& run, const std::string& text) {
        const auto weights = net.state_dict();
        const auto moments = sgd.state_dict();
        std::string got = "nothing was thrown";
        try {
            run();
        } catch (const E& error) {
            got = error.what();
        } catch (const std::exception& error) {
            got = concat("an error of another type: ", error.what());
        }
        CHECK(got == text);
        CHECK(same_bits(net.state_dict(), weights));
        CHECK(same_bits(sgd.state_dict().moments, moments.moments));
        CHECK(sgd.state_dict().steps == moments.steps);
        auto twin = net;
        const auto before = twin.state_dict();
        optim::SGD<float> other{twin.parameters(), {.learning_rate = 0.1}};
        criterion(twin(images), targets).backward();
        other.step();
        CHECK_FALSE(same_bits(twin.state_dict(), before));
    }
    template <class E>
    void refuses_step(const Tensor<float>& input, const losses::Targets<float>& labels, const std::string& text) {
        refuses<E>([&] { step(input, labels); }, text);
    }
};

}  // namespace

TEST_CASE("bad input: images of another shape", "[integration][bad_input]") {
    Training t;
    t.refuses_step<ShapeError>(normal<float>({4, 8, 8, 3}), t.targets,
                               "[conv2d] expected 1 input channels, got input (4, 8, 8, 3), in layer 0, in trunk");
    t.refuses_step<ShapeError>(normal<float>({4, 8, 8}), t.targets,
                               "[conv2d] expected images (N, H, W, C), got input (4, 8, 8), in layer 0, in trunk");
    t.refuses_step<ShapeError>(normal<float>({4, 10, 8, 1}), t.targets,
                               "[linear] expected 64 input features, got input (4, 80), in layer 4, in trunk");
    t.refuses_step<ShapeError>(normal<float>({4, 1, 8, 1}), t.targets,
                               "[max_pool2d] expected a padded image of at least 2x2, got 1x8 with padding 0x0, in layer 2, in trunk");
    t.refuses_step<ShapeError>(normal<float>({5, 8, 8, 1}), t.targets,
                               "[cross_entropy] expected labels of shape (5,) for logits (5, 3), got (4,), for task 'left'");
    t.refuses<ShapeError>(
        [&] {
            (void)t.net.predict(normal<float>({2, 8, 8, 2}));
        },
        "[conv2d] expected 1 input channels, got input (2, 8, 8, 2), in layer 0, in trunk");
    t.refuses<ShapeError>(
        [&] {
            (void)t.net.heads(normal<float>({2, 9}));
        },
        "[linear] expected 8 input features, got input (2, 9), in head 'left'");
}

TEST_CASE("bad input: labels", "[integration][bad_input]") {
    Training t;
    const auto labels = [&](const losses::Target<float>& left, const losses::Target<float>& right) {
        return losses::Targets<float>{{"left", left}, {"right", right}};
    };
    const losses::Target<float> values{Tensor<float>{Shape{4, 1}}};
    t.refuses_step<ValueError>(t.images, labels(Tensor<Index>{{4}, {0, 1, 3, 0}}, values),
                               "[cross_entropy] expected labels in [0, 3), got 3 at sample 2, for task 'left'");
    t.refuses_step<ValueError>(t.images, labels(Tensor<Index>{{4}, {-1, 1, 2, 0}}, values),
                               "[cross_entropy] expected labels in [0, 3), got -1 at sample 0, for task 'left'");
    t.refuses_step<StateError>(
        t.images, labels(values, values),
        "[cross_entropy] expected a target of class indices, got values of shape (4, 1): give labels as a Tensor<Index>, for task 'left'");
    t.refuses_step<StateError>(
        t.images, labels(Tensor<Index>{Shape{4}}, Tensor<Index>{Shape{4}}),
        "[mse_loss] expected a target of values, got class indices of shape (4,): give values as a Tensor<float>, for task 'right'");
    t.refuses_step<ShapeError>(
        t.images, labels(Tensor<Index>{Shape{4}}, Tensor<float>{Shape{4}}),
        "[mse_loss] expected values of the shape of the prediction (4, 1), got (4,): reshape them to (4, 1), for task 'right'");
    t.refuses<ShapeError>(
        [&] {
            (void)losses::Target<float>{Tensor<Index>{Shape{4}}, Tensor<bool>{Shape{3}}};
        },
        "[target] expected a mask of shape (4,), got (3,)");
}

TEST_CASE("bad input: tasks that are missing on one side", "[integration][bad_input]") {
    Training t;
    t.refuses_step<StateError>(t.images, {{"left", t.targets.at("left")}},
                               "[MultiTaskLoss] expected a target for task 'right', got 'left'");
    t.refuses_step<StateError>(t.images, {}, "[MultiTaskLoss] expected a target for task 'left', got nothing");
    const mtl::MultiTaskLoss<float> one{{"left", losses::CrossEntropy{}}};
    t.refuses<StateError>([&] { (void)one(t.net(t.images), t.targets); },
                          "[MultiTaskLoss] expected a loss for every task, got none for 'right', only for 'left'");
    const mtl::MultiTaskLoss<float> three{{"left", losses::CrossEntropy{}}, {"right", losses::MSE{}}, {"up", losses::MSE{}}};
    t.refuses<StateError>([&] { (void)three(t.net(t.images), t.targets); },
                          "[MultiTaskLoss] expected an output for task 'up', got 'left', 'right'");
    t.refuses<StateError>([&] { (void)t.net.head("up"); }, "[named] expected one of 'left', 'right', got 'up'");
}

TEST_CASE("bad input: no data", "[integration][bad_input]") {
    Training t;
    const Tensor<float> none{Shape{0, 8, 8, 1}};
    t.refuses<ValueError>(
        [&] {
            (void)data::Dataset<float>{none, "left", Tensor<Index>{Shape{0}}};
        },
        "[dataset] expected at least one sample, got inputs of shape (0, 8, 8, 1)");
    t.refuses<ValueError>(
        [&] {
            (void)data::Dataset<float>{t.images, losses::Targets<float>{}};
        },
        "[dataset] expected the target of at least one task, got none");
    t.refuses<ShapeError>(
        [&] {
            (void)data::Dataset<float>{t.images, "left", Tensor<Index>{Shape{3}}};
        },
        "[dataset] expected 4 samples in target 'left' as in inputs (4, 8, 8, 1), got shape (3,)");
    t.refuses<ShapeError>([&] { (void)t.net.predict(none); }, "[predict] expected at least one input, got shape (0, 8, 8, 1)");
    const data::Dataset<float> set{t.images, t.targets};
    t.refuses<ValueError>(
        [&] {
            (void)data::DataLoader<float>{set, {.batch_size = 8, .drop_last = true}};
        },
        "[data_loader] expected at least one batch, got 4 samples, a batch size of 8 and drop_last");
    t.refuses<ValueError>([&] { (void)data::combine_samples(std::vector<data::Dataset<float>>{}); },
                          "[combine_samples] expected at least one set, got none");
}

TEST_CASE("bad input: numbers that are none", "[integration][bad_input]") {
    Training t;
    const float nan = std::copysign(std::numeric_limits<float>::quiet_NaN(), 1.0f);
    const float inf = std::numeric_limits<float>::infinity();
    const auto with = [&](float value) {
        return losses::Targets<float>{{"left", t.targets.at("left")}, {"right", Tensor<float>{{4, 1}, {0, value, 0, 0}}}};
    };
    t.refuses_step<ValueError>(t.images, with(inf), "[MultiTaskLoss] expected a finite loss for task 'right', got inf");
    t.refuses_step<ValueError>(t.images, with(1e30f), "[MultiTaskLoss] expected a finite loss for task 'right', got inf");
    const auto not_finite = [&](const std::function<void()>& run) {
        const auto weights = t.net.state_dict();
        CHECK_THROWS_AS(run(), ValueError);
        CHECK_THROWS_WITH(run(), ContainsSubstring("[MultiTaskLoss] expected a finite loss for task '") && ContainsSubstring("nan"));
        CHECK(same_bits(t.net.state_dict(), weights));
    };
    not_finite([&] { t.step(t.images, with(nan)); });  // whether NaN prints as nan or -nan is not ours to say
    auto images = t.images;
    images[70] = nan;
    not_finite([&] { t.step(images, t.targets); });
    t.step(t.images, t.targets);
}

TEST_CASE("bad input: batch normalisation forgets a bad batch", "[integration][bad_input]") {
    manual_seed(2);
    mtl::MultiTaskNet net{nn::Sequential{nn::Linear{3, 4}, nn::BatchNorm{4}}, {{"a", nn::Linear{4, 2}}}};
    (void)net(normal<float>({8, 3}));
    const auto before = net.state_dict();
    auto x = normal<float>({8, 3});
    x[5] = std::numeric_limits<float>::quiet_NaN();
    CHECK_THROWS_AS(net(x), ValueError);
    CHECK_THROWS_WITH(net(x), ContainsSubstring("[batch_norm] expected finite running statistics, got mean "));
    CHECK(same_bits(net.state_dict(), before));
    CHECK_THROWS_WITH(net(normal<float>({8, 4})), "[linear] expected 3 input features, got input (8, 4), in layer 0, in trunk");
    CHECK(same_bits(net.state_dict(), before));
}

TEST_CASE("bad input: IDX files", "[integration][bad_input]") {
    Training t;
    const auto path = t.folder / "images";
    io::save_idx(path, Tensor<std::uint8_t>{Shape{2, 3}});
    const std::string whole = contents(path);
    const std::string name = concat(path);
    const auto with = [&](const std::string& bytes) {
        t.folder.file("images", bytes);
        return [&] { (void)io::load_idx(path); };
    };
    t.refuses<IoError>([&] { (void)io::load_idx(t.folder / "absent"); },
                       concat("[read_file] expected a file at ", t.folder / "absent", ", got none"));
    t.refuses<IoError>([&] { (void)io::load_idx(t.folder.path()); },
                       concat("[read_file] expected a file at ", t.folder.path(), ", got a directory"));
    t.refuses<IoError>(with(""), concat("[load_idx] expected an IDX file, got ", name, " of less than 4 bytes"));
    t.refuses<IoError>(with(whole.substr(0, 9)), concat("[load_idx] expected 2 extents in ", name, ", got a file that ends before"));
    t.refuses<IoError>(with(whole.substr(0, 17)), concat("[load_idx] expected 18 bytes in ", name, " for shape (2, 3), got 17"));
    t.refuses<IoError>(with(whole + "x"), concat("[load_idx] expected 18 bytes in ", name, " for shape (2, 3), got 19"));
    t.refuses<IoError>(with("PK\3\4" + whole),
                       concat("[load_idx] expected an IDX file (bytes 0, 0, and a type of 8, 9, 11, 12, 13 or 14), got ", name,
                              " that begins with 80, 75, 3"));
}

TEST_CASE("bad input: CSV files", "[integration][bad_input]") {
    Training t;
    const auto path = t.folder / "people.csv";
    const std::string name = concat(path);
    const auto load = [&](const std::string& bytes) {
        t.folder.file("people.csv", bytes);
        return io::load_csv(path);
    };
    const auto with = [&](const std::string& bytes) { return [&load, bytes] { (void)load(bytes); }; };
    t.refuses<IoError>([&] { (void)io::load_csv(t.folder / "absent"); },
                       concat("[read_file] expected a file at ", t.folder / "absent", ", got none"));
    t.refuses<IoError>(with(""), concat("[load_csv] expected a table in ", name, ", got an empty file"));
    t.refuses<IoError>(with("age,name\n1,a\n2\n"), concat("[load_csv] expected 2 columns in ", name, ", line 3, got 1"));
    t.refuses<IoError>(with("age,name\n1,a,b\n"), concat("[load_csv] expected 2 columns in ", name, ", line 2, got 3"));
    t.refuses<IoError>(with("age,age\n1,2\n"), concat("[load_csv] expected each column name once in ", name, ", line 1, got 'age' twice"));
    t.refuses<IoError>(with("age,name\n1,\"a\n"),
                       concat("[load_csv] expected a closing quote in ", name, ", line 2, column 2, got the end of the file"));
    const auto table = load("age,name\n1,a\nold,b\n");
    t.refuses<IoError>([&] { (void)table.column("age").numbers(); },
                       concat("[csv] expected a finite number in ", name,
                              ", line 3, column 1 'age', got 'old'; if that means \"no value\", list it in .missing of CsvOptions"));
    t.refuses<IoError>([&] { (void)table.column("size"); }, concat("[csv] expected a column of ", name, ": 'age', 'name'; got 'size'"));
}

TEST_CASE("bad input: weights", "[integration][bad_input]") {
    Training t;
    const auto path = t.folder / "weights";
    const std::string name = concat(path);
    const auto load = [&] { io::load(t.net, path); };
    t.refuses<IoError>(load, concat("[read_file] expected a file at ", name, ", got none"));
    Training other;
    other.step(other.images, other.targets);
    io::save(other.net, path);
    const std::string whole = contents(path);
    const auto refuses = [&](const std::string& bytes, const std::string& text) {
        t.folder.file("weights", bytes);
        t.refuses<IoError>(load, text);
    };
    refuses("", concat("[load_safetensors] expected at least 8 bytes of ", name, ", got 0"));
    const Index bytes = 4 * t.net.parameter_count();
    const std::size_t header = whole.size() - static_cast<std::size_t>(bytes);
    refuses(whole.substr(0, 100),
            concat("[load_safetensors] expected a header of ", header - 8, " bytes of ", name, ", got a file that holds only 92 more"));
    refuses(whole.substr(0, whole.size() - 1),
            concat("[load_safetensors] expected ", bytes, " bytes of tensors of ", name, ", got ", bytes - 1));
    refuses(whole + "x", concat("[load_safetensors] expected ", bytes, " bytes of tensors of ", name, ", got ", bytes + 1));

    // A byte of the length or of the header, turned over: it is no ASCII any more, and none of them goes unnoticed.
    const auto weights = t.net.state_dict();
    for (std::size_t i = 0; i < header; i += i < 16 ? 1 : 7) {
        std::string corrupt = whole;
        corrupt[i] = static_cast<char>(~corrupt[i]);
        t.folder.file("weights", corrupt);
        CAPTURE(i);
        REQUIRE_THROWS_AS(io::load(t.net, path), Error);
        REQUIRE(same_bits(t.net.state_dict(), weights));
    }

    const mtl::MultiTaskNet<float> smaller{nn::Sequential{nn::Linear{3, 4}}, {{"left", nn::Linear{4, 3}}}};
    io::save(smaller, path);
    t.refuses<StateError>(load, concat("[load] expected the tensors of this model in ", name,
                                       ", got others: "
                                       "trunk.0.weight of shape (4, 3, 3, 1) came as shape (4, 3), heads.left.weight of shape (3, 8) came "
                                       "as shape (3, 4); missing trunk.4.weight, trunk.4.bias, heads.right.1.weight, heads.right.1.bias"));
    t.folder.file("weights", whole);
    load();
    CHECK(same_bits(t.net.state_dict(), other.net.state_dict()));
}
