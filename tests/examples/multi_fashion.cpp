// SPDX-License-Identifier: MIT
// The parts of examples/multi_fashion; CMakeLists.txt beside this file runs the program itself.
#include "catch.hpp"
#include "io/files.hpp"

#include "../../examples/balance_rules/ways.hpp"
#include "../../examples/multi_fashion/dataset.hpp"
#include "../../examples/multi_fashion/drawing.hpp"
#include "../../examples/multi_fashion/networks.hpp"

#include <map>
#include <set>
#include <string>

using namespace espalier;
using namespace multi_fashion;

namespace {

/// Garments without a black pixel: every pixel of class c is 20 (c + 1), so that a canvas tells what lies where.
data::Dataset<> plain_garments(const std::vector<Index>& labels) {
    const auto count = static_cast<Index>(labels.size());
    auto images = Tensor<float>::empty({count, 28, 28});
    for (Index i = 0; i < images.numel(); ++i)
        images[i] = static_cast<float>(20 * (labels[static_cast<std::size_t>(i / (28 * 28))] + 1));
    return {std::move(images), "class", Tensor<Index>{{count}, std::span<const Index>{labels}}};
}

std::vector<Index> ten_classes(Index count) {
    std::vector<Index> labels;
    for (Index i = 0; i < count; ++i)
        labels.push_back(i % 10);
    return labels;
}

/// First and last row and column that are not black.
struct Box {
    Index top = 1'000'000, left = 1'000'000, bottom = -1, right = -1;
};
Box box(const Tensor<float>& canvases, Index pair) {
    Box found;
    for (Index y = 0; y < canvases.size(1); ++y)
        for (Index x = 0; x < canvases.size(2); ++x)
            if (canvases.at(pair, y, x, 0) > 0)
                found = {std::min(found.top, y), std::min(found.left, x), std::max(found.bottom, y), std::max(found.right, x)};
    return found;
}

Index count_of(const std::string& text, const std::string& part) {
    Index count = 0;
    for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1))
        ++count;
    return count;
}

}  // namespace

TEST_CASE("make_pairs: two garments of different classes, each where its label says") {
    const auto side = GENERATE(as<Index>{}, 36, 37, 128);
    const Pairs pairs = make_pairs(plain_garments(ten_classes(50)), 300, side, Random{7});
    REQUIRE(pairs.canvases.shape() == Shape{300, side, side, 1});
    REQUIRE(pairs.left.shape() == Shape{300});
    REQUIRE(pairs.right.shape() == Shape{300});
    const Index margin = (side - 36) / 2;
    std::map<Index, int> tops, lefts, bottoms, rights;
    for (Index i = 0; i < 300; ++i) {
        REQUIRE(pairs.left[i] != pairs.right[i]);
        const Box found = box(pairs.canvases, i);
        const Index top = found.top - margin, left = found.left - margin, bottom = found.bottom - margin - 27,
                    right = found.right - margin - 27;
        ++tops[top], ++lefts[left], ++bottoms[bottom], ++rights[right];
        // The first garment reaches one pixel beyond the other at the upper left unless they start in one row or column.
        const float first = static_cast<float>(20 * (pairs.left[i] + 1)) / 255;
        const float second = static_cast<float>(20 * (pairs.right[i] + 1)) / 255;
        const auto pixel = [&](Index y, Index x) { return pairs.canvases.at(i, y + margin, x + margin, 0); };
        if (top < bottom && left < right) {
            REQUIRE(pixel(top, left) == first);
            REQUIRE(pixel(bottom + 27, right + 27) == second);
        }
        REQUIRE(pixel(bottom, right) == std::max(first, second));  // where they overlap, the brighter one
        REQUIRE(pixel(top + 27, left + 27) == std::max(first, second));
        if (top < bottom && left < right)
            REQUIRE(pixel(top, right + 27) == 0);  // neither lies there
    }
    // All shifts of 0 to 4 occur, and no others.
    for (const auto* shifts : {&tops, &lefts}) {
        REQUIRE(shifts->begin()->first == 0);
        REQUIRE(shifts->rbegin()->first == 4);
        REQUIRE(shifts->size() == 5);
    }
    for (const auto* shifts : {&bottoms, &rights}) {
        REQUIRE(shifts->begin()->first == 4);
        REQUIRE(shifts->rbegin()->first == 8);
        REQUIRE(shifts->size() == 5);
    }
}

TEST_CASE("make_pairs: every garment is at the upper left once before any comes again") {
    const auto garments = plain_garments({0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
    const Pairs pairs = make_pairs(garments, 25, 36, Random{1});
    for (const Index first : {0, 10}) {
        std::set<Index> seen;
        for (Index i = first; i < first + 10; ++i)
            seen.insert(pairs.left[i]);
        REQUIRE(seen.size() == 10);
    }
}

TEST_CASE("make_pairs: the seed decides, and a larger canvas holds the same pairs in its middle") {
    const auto garments = plain_garments(ten_classes(30));
    const Pairs pairs = make_pairs(garments, 40, 36, Random{3, 1});
    const Pairs again = make_pairs(garments, 40, 36, Random{3, 1});
    REQUIRE(pairs.canvases == again.canvases);
    REQUIRE(pairs.left == again.left);
    REQUIRE(pairs.right == again.right);
    REQUIRE_FALSE(pairs.canvases == make_pairs(garments, 40, 36, Random{4, 1}).canvases);
    REQUIRE_FALSE(pairs.canvases == make_pairs(garments, 40, 36, Random{3, 2}).canvases);

    const Pairs large = make_pairs(garments, 40, 128, Random{3, 1});
    REQUIRE(large.left == pairs.left);
    REQUIRE(large.right == pairs.right);
    for (Index i = 0; i < 40; ++i)
        for (Index y = 0; y < 36; ++y)
            for (Index x = 0; x < 36; ++x)
                REQUIRE(large.canvases.at(i, y + 46, x + 46, 0) == pairs.canvases.at(i, y, x, 0));
}

TEST_CASE("make_pairs: what it refuses") {
    const auto garments = plain_garments({0, 1});
    REQUIRE_THROWS_WITH(make_pairs(garments, 0, 36, Random{}), "[make_pairs] expected at least one pair, got 0");
    REQUIRE_THROWS_WITH(make_pairs(garments, 1, 35, Random{}), "[make_pairs] expected a canvas of at least 36 pixels a side, got 35");
    REQUIRE_THROWS_WITH(make_pairs(plain_garments({4, 4, 4}), 1, 36, Random{}),
                        "[make_pairs] expected garments of at least two classes, got only class 4");
}

TEST_CASE("DrawnPairs: each sample has its garment at the upper left, and everything else is drawn") {
    const auto garments = plain_garments(ten_classes(20));
    const DrawnPairs pairs{garments, 50, 40};
    REQUIRE(pairs.size() == 50);
    const std::vector<Index> indices{0, 21, 9, 0};
    Random random{5}, same{5};
    const auto batch = pairs.gather(indices, random);
    const auto again = pairs.gather(indices, same);
    REQUIRE(batch.input.shape() == Shape{4, 40, 40, 1});
    REQUIRE(batch.input == again.input);
    REQUIRE(batch.targets.names() == "'left', 'right'");
    REQUIRE(batch.targets.at("left").labels() == Tensor<Index>{{4}, {0, 1, 9, 0}});
    for (Index i = 0; i < 4; ++i)
        REQUIRE(batch.targets.at("right").labels()[i] != batch.targets.at("left").labels()[i]);
    REQUIRE_FALSE(pairs.gather(indices, random).input == batch.input);
    REQUIRE_THROWS_WITH((DrawnPairs{garments, 0, 36}), "[make_pairs] expected at least one pair, got 0");
    REQUIRE_THROWS_AS((DrawnPairs{plain_garments({4, 4}), 1, 36}), ValueError);
}

TEST_CASE("DrawnPairs: a loader draws other pairs in each epoch, the same for any prefetch") {
    const auto garments = plain_garments(ten_classes(20));
    const auto epochs = [&](Index prefetch) {
        data::DataLoader loader{DrawnPairs{garments, 20, 36}, {.batch_size = 8, .seed = 2, .prefetch = prefetch}};
        std::vector<Tensor<float>> canvases;
        for (int epoch = 0; epoch < 2; ++epoch) {
            std::map<Index, int> firsts;
            for (const auto& batch : loader) {
                canvases.push_back(batch.input);
                for (const Index label : batch.targets.at("left").labels())
                    ++firsts[label];
            }
            for (const auto& [label, count] : firsts)
                REQUIRE(count == 2);  // every garment is at the upper left once
        }
        return canvases;
    };
    const auto canvases = epochs(0);
    REQUIRE(canvases.size() == 6);
    REQUIRE_FALSE(canvases[0] == canvases[3]);
    REQUIRE(canvases == epochs(2));
}

TEST_CASE("load_garments: the subset of the repository, and folders that hold something else") {
    const std::filesystem::path subset = ESPALIER_DATA_DIR "/fashion-mnist";
#if ESPALIER_HAS_ZLIB
    {
        const auto garments = load_garments(subset, "t10k");
        REQUIRE(garments.inputs().shape() == Shape{1000, 28, 28});
        REQUIRE(garments.tasks() == std::vector<std::string>{"class"});
        const Pairs pairs = make_pairs(garments, 100, 36, Random{1});
        REQUIRE(*std::min_element(pairs.canvases.begin(), pairs.canvases.end()) == 0);
        REQUIRE(*std::max_element(pairs.canvases.begin(), pairs.canvases.end()) <= 1);
    }
#endif
    const TemporaryFolder folder;
    REQUIRE_THROWS_WITH(load_garments(folder.path(), "train"),
                        ContainsSubstring("[load_garments] expected \"train-images-idx3-ubyte\" or \"train-images-idx3-ubyte.gz\" in ") &&
                            ContainsSubstring(folder.path().string()) && ContainsSubstring("got neither"));
    io::save_idx(folder / "train-images-idx3-ubyte", Tensor<std::uint8_t>{{2, 28, 27}});
    REQUIRE_THROWS_WITH(load_garments(folder.path(), "train"), ContainsSubstring("\"train-labels-idx1-ubyte\""));
    io::save_idx(folder / "train-labels-idx1-ubyte", Tensor<std::uint8_t>{{2}, {0, 10}});
    REQUIRE_THROWS_WITH(load_garments(folder.path(), "train"),
                        ContainsSubstring("expected images (N, 28, 28) and labels (N,)") && ContainsSubstring("got (2, 28, 27) and (2,)"));
    io::save_idx(folder / "train-images-idx3-ubyte", Tensor<std::uint8_t>{{2, 28, 28}});
    REQUIRE_THROWS_WITH(load_garments(folder.path(), "train"),
                        ContainsSubstring("expected labels in [0, 10)") && ContainsSubstring("got 10"));
    io::save_idx(folder / "train-labels-idx1-ubyte", Tensor<std::uint8_t>{{2}, {0, 9}});
    REQUIRE(load_garments(folder.path(), "train").size() == 2);
    io::save_idx(folder / "train-labels-idx1-ubyte", Tensor<std::uint8_t>{{3}});
    REQUIRE_THROWS_AS(load_garments(folder.path(), "train"), ShapeError);
}

TEST_CASE("export_pairs: bytes that give back the same numbers") {
    const TemporaryFolder folder;
    const auto garments = plain_garments(ten_classes(20));
    const Pairs train = make_pairs(garments, 12, 40, Random{1});
    const Pairs test = make_pairs(garments, 5, 40, Random{2});
    export_pairs(folder / "pairs.safetensors", train, test);
    const auto file = io::load_safetensors(folder / "pairs.safetensors");
    REQUIRE(file.size() == 6);
    const auto bytes = file.get<std::uint8_t>("train.canvases");
    REQUIRE(bytes.shape() == train.canvases.shape());
    for (Index i = 0; i < bytes.numel(); ++i)
        REQUIRE(static_cast<float>(bytes[i]) / 255 == train.canvases[i]);
    REQUIRE(file.get<Index>("train.left") == train.left);
    REQUIRE(file.get<Index>("train.right") == train.right);
    REQUIRE(file.get<std::uint8_t>("test.canvases").shape() == Shape{5, 40, 40, 1});
    REQUIRE(file.get<Index>("test.right") == test.right);
}

TEST_CASE("networks: sizes and outputs on every canvas") {
    REQUIRE(make_network("reference", 36).parameter_count() == 2'211'348);
    REQUIRE(make_network("reference", 36).shared_size() == 2'211'348 - 2 * 10'250);
    REQUIRE(make_network("lenet", 36).shared_size() == 30'890);
    REQUIRE(make_network("lenet", 36).parameter_count() == 31'910);
    for (const Index side : {36, 37, 45, 128}) {
        const Tensor<float> canvases{{2, side, side, 1}};
        for (const char* name : {"reference", "lenet"}) {
            const auto outputs = make_network(name, side).predict(canvases);
            REQUIRE(outputs.names() == "'left', 'right'");
            REQUIRE(outputs.at("left").shape() == Shape{2, 10});
            REQUIRE(outputs.at("right").shape() == Shape{2, 10});
        }
    }
    REQUIRE_THROWS_WITH(make_network("resnet", 36), "[make_network] expected 'reference' or 'lenet', got 'resnet'");
}

TEST_CASE("ways of sharing: sizes and outputs on both trunks, and the tree that branches end as") {
    // Lin's stages have 820, 5,020 and 25,050 parameters and read 1,296, 1,960 and 500 values, a head has 510.
    const std::map<std::string, Index> sizes{{"hard", 30'890},
                                             {"cross-stitch", 2 * 30'890 + 3 * 4},
                                             {"sluice", 2 * 30'890 + 3 * 16},
                                             {"nddr", 2 * 30'890 + 2 * (20 * 10 + 20) + 2 * (40 * 20 + 40)},
                                             {"mmoe", 3 * 30'890 + 2 * 3 * 1'296},
                                             {"ple", 3 * 30'890 + (4 + 3) * (1'296 + 1'960) + 4 * 500},
                                             {"mtan", 820 + 5'020 + 2 * (30'070 + (2 * 110 + 2 * 20) + (820 + 420 + 2 * 40))},
                                             {"ltb", 2 * 30'890 + 3 * 4}};
    REQUIRE(sizes.size() == balance_rules::known_ways.size());
    const Tensor<float> canvases{{2, pair_side, pair_side, 1}};
    for (const char* name : {"lenet", "reference"}) {
        const balance_rules::Trunk trunk{name};
        for (const std::string& way : balance_rules::known_ways) {
            INFO(way << " on " << name);
            auto net = balance_rules::make_net(way, trunk, {"left", "right"});
            if (trunk.name == "lenet")
                REQUIRE(net.parameter_count() == sizes.at(way) + 2 * 510);
            const auto outputs = net.predict(canvases);
            REQUIRE(outputs.at("left").shape() == Shape{2, 10});
            REQUIRE(outputs.at("right").shape() == Shape{2, 10});
            auto tree = balance_rules::tree_of(net);
            REQUIRE(tree.has_value() == (way == "ltb"));
            if (tree)  // of equal scores the first is taken
                REQUIRE(tree->parameter_count() == make_network(name, pair_side).parameter_count());
        }
    }
}

TEST_CASE("answer: the class of the highest score, and its softmax") {
    const Tensor<float> scores{{2, 3}, {0, 0, 0, -1000, 2, 1000}};
    REQUIRE(answer(scores, 0).label == 0);
    REQUIRE(answer(scores, 0).probability == Approx(1.0 / 3));
    REQUIRE(answer(scores, 1).label == 2);
    REQUIRE(answer(scores, 1).probability == Approx(1));
    REQUIRE_THROWS_AS(answer(scores, 2), ShapeError);
}

TEST_CASE("draw_predictions: every pixel, and right told from wrong by more than colour") {
    const Pairs pairs = make_pairs(plain_garments(ten_classes(20)), 4, 36, Random{5});
    Tensor<float> scores{{4, 10}};
    for (Index i = 0; i < 4; ++i)
        scores.at(i, i == 2 ? (pairs.left[i] + 1) % 10 : pairs.left[i]) = 9;  // wrong for the third pair alone
    const std::string svg = draw_predictions(pairs.canvases, {{"upper left", pairs.left, scores}}, 4, "four pairs");
    REQUIRE(svg.rfind("<svg xmlns=", 0) == 0);
    REQUIRE(svg.size() < 100'000);
    REQUIRE(count_of(svg, "class='right'") == 3);
    REQUIRE(count_of(svg, "class='wrong'") == 1);
    REQUIRE(count_of(svg, ">is: " + std::string{class_names[static_cast<std::size_t>(pairs.left[2])]} + "<") == 1);
    REQUIRE(count_of(svg, ">is: ") == 1);
    REQUIRE(count_of(svg, "four pairs") == 1);
    REQUIRE(count_of(svg, "<g") == count_of(svg, "</g>"));
    REQUIRE(count_of(svg, "<svg") == count_of(svg, "</svg>"));

    // The runs of a canvas cover exactly its pixels that are not black.
    const std::string drawn = multi_fashion::detail::draw_canvas(pairs.canvases, 0);
    Index covered = 0;
    for (auto at = drawn.find(".5h"); at != drawn.npos; at = drawn.find(".5h", at + 1))
        covered += std::stol(drawn.substr(at + 3));
    Index lit = 0;
    for (Index i = 0; i < 36 * 36; ++i)
        lit += pairs.canvases[i] > 0;
    REQUIRE(covered == lit);
    REQUIRE_THROWS_AS(draw_predictions(pairs.canvases, {{"left", pairs.left, scores}}, 5, ""), ShapeError);
}
