// SPDX-License-Identifier: MIT
/// @file MultiFashion: two garments of different classes that overlap on one canvas, after Lin et al. (NeurIPS 2019).
#pragma once

#include <espalier/espalier.hpp>
#include <espalier/io.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace multi_fashion {

using espalier::Index;
using espalier::Tensor;

inline constexpr std::array class_names{"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                                        "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};
inline constexpr Index classes = class_names.size();
inline constexpr Index garment_side = 28;
inline constexpr Index pair_side = 36;  ///< the smallest canvas, and the part of a larger one that a pair lies in
inline constexpr Index max_shift = 4;

/// The garments of one half of Fashion-MNIST, "train" or "t10k", plain or gzipped: images (N, 28, 28) of 0 to 255 under
/// one task, `class`. @throws espalier::Error for a file that is missing, damaged or does not hold such a set
[[nodiscard]] inline espalier::data::Dataset<> load_garments(const std::filesystem::path& folder, const std::string& half) {
    const auto find = [&](const std::string& name) {
        const auto plain = folder / (half + name);
        const auto zipped = folder / (half + name + ".gz");
        const bool found = std::filesystem::exists(plain) || std::filesystem::exists(zipped);
        espalier::require<espalier::IoError>(found, "load_garments", "expected ", plain.filename(), " or ", zipped.filename(), " in ",
                                             folder, ", got neither");
        return std::filesystem::exists(plain) ? plain : zipped;
    };
    auto images = espalier::io::load_idx<float>(find("-images-idx3-ubyte"));
    auto labels = espalier::io::load_idx<Index>(find("-labels-idx1-ubyte"));
    espalier::require<espalier::ShapeError>(
        images.rank() == 3 && images.size(1) == garment_side && images.size(2) == garment_side && labels.rank() == 1, "load_garments",
        "expected images (N, 28, 28) and labels (N,) in ", folder, ", got ", images.shape(), " and ", labels.shape());
    for (const Index label : labels)
        espalier::require<espalier::ValueError>(label >= 0 && label < classes, "load_garments", "expected labels in [0, ", classes, ") in ",
                                                folder, ", got ", label);
    return {std::move(images), "class", std::move(labels)};
}

/// Two garments of different classes on one canvas, drawn at random.
///
/// On the 36 x 36 pixels of a pair the first lies at (x, y), the second at (8 - x', 8 - y'), every shift uniform in 0 to 4,
/// and where they overlap the brighter pixel wins. A larger canvas has the pair in its middle and is black around it: the
/// same task, on more pixels.
class PairMaker {
public:
    /// @throws espalier::ValueError for a side below 36, or garments of one class only
    PairMaker(espalier::data::Dataset<> garments, Index side) : garments_{std::move(garments)}, side_{side} {
        using espalier::require, espalier::ValueError;
        require<ValueError>(side >= pair_side, "make_pairs", "expected a canvas of at least ", pair_side, " pixels a side, got ", side);
        require<ValueError>(std::any_of(labels().begin(), labels().end(), [&](Index label) { return label != labels()[0]; }), "make_pairs",
                            "expected garments of at least two classes, got only class ", labels()[0]);
    }

    [[nodiscard]] Index garments() const noexcept { return garments_.size(); }
    [[nodiscard]] Index side() const noexcept { return side_; }

    /// Draws garment `first` at the upper left and one of another class at the lower right of `canvas`, side x side zeros.
    /// Their classes, the upper left one's first.
    std::pair<Index, Index> operator()(Index first, espalier::Random& random, float* canvas) const {
        Index second = random.below(garments());
        while (labels()[second] == labels()[first])
            second = random.below(garments());
        const auto shift = [&] { return random.below(max_shift + 1); };
        const Index top = shift(), left = shift(), up = shift(), back = shift();
        constexpr Index room = pair_side - garment_side;
        draw(first, top, left, canvas);
        draw(second, room - up, room - back, canvas);
        return {labels()[first], labels()[second]};
    }

private:
    [[nodiscard]] const Tensor<Index>& labels() const { return garments_.target("class").labels(); }

    void draw(Index garment, Index top, Index left, float* canvas) const {
        const Index margin = (side_ - pair_side) / 2;
        const float* from = garments_.inputs().data() + garment * garment_side * garment_side;
        for (Index y = 0; y < garment_side; ++y) {
            float* to = canvas + (margin + top + y) * side_ + margin + left;
            for (Index x = 0; x < garment_side; ++x, ++to, ++from)
                *to = std::max(*to, *from / 255);
        }
    }

    espalier::data::Dataset<> garments_;
    Index side_;
};

/// What the two single-task sets are made of: they share their canvases.
struct Pairs {
    Tensor<float> canvases;  ///< (N, side, side, 1), in [0, 1]
    Tensor<Index> left;      ///< class of the garment at the upper left, (N,)
    Tensor<Index> right;     ///< class of the garment at the lower right, (N,)
};

/// A fixed number of pairs. Same garments, count and random stream: same pairs. The garments come in random order as the
/// upper left one, each once before any comes again. @throws espalier::ValueError for a count below 1, or as PairMaker
[[nodiscard]] inline Pairs make_pairs(const espalier::data::Dataset<>& garments, Index count, Index side, espalier::Random random) {
    espalier::require<espalier::ValueError>(count >= 1, "make_pairs", "expected at least one pair, got ", count);
    const PairMaker make{garments, side};
    Pairs pairs{Tensor<float>{{count, side, side, 1}}, Tensor<Index>{{count}}, Tensor<Index>{{count}}};
    std::vector<Index> order;
    for (Index pair = 0; pair < count; ++pair) {
        if (order.empty())
            order = random.permutation(garments.size());
        std::tie(pairs.left[pair], pairs.right[pair]) = make(order.back(), random, pairs.canvases.data() + pair * side * side);
        order.pop_back();
    }
    return pairs;
}

/// Pairs that are drawn anew in every epoch: a set as data::DataLoader walks over it. Sample i has garment i, modulo their
/// number, at the upper left. The other one, and where both lie, is drawn when the loader makes the batch.
class DrawnPairs {
public:
    /// @throws espalier::ValueError for a count below 1, or as PairMaker
    DrawnPairs(espalier::data::Dataset<> garments, Index count, Index side) : make_{std::move(garments), side}, count_{count} {
        espalier::require<espalier::ValueError>(count >= 1, "make_pairs", "expected at least one pair, got ", count);
    }

    /// Pairs of an epoch.
    [[nodiscard]] Index size() const noexcept { return count_; }

    [[nodiscard]] espalier::data::Batch<> gather(std::span<const Index> indices, espalier::Random& random) const {
        const auto count = static_cast<Index>(indices.size());
        const Index side = make_.side();
        Tensor<float> canvases{{count, side, side, 1}};
        Tensor<Index> left{{count}}, right{{count}};
        for (Index i = 0; i < count; ++i)
            std::tie(left[i], right[i]) = make_(indices[static_cast<std::size_t>(i)] % make_.garments(), random,
                                                canvases.data() + i * side * side);
        return {std::move(canvases), {{"left", std::move(left)}, {"right", std::move(right)}}};
    }

private:
    PairMaker make_;
    Index count_;
};

/// Images whose white is `white` as bytes, for programs that have no other white than 255.
[[nodiscard]] inline Tensor<std::uint8_t> as_bytes(const Tensor<float>& images, float white) {
    auto bytes = Tensor<std::uint8_t>::empty(images.shape());
    std::transform(images.begin(), images.end(), bytes.begin(),
                   [white](float value) { return static_cast<std::uint8_t>(std::lround(value / white * 255)); });
    return bytes;
}

/// Adds `part.canvases` (N, side, side, 1), bytes of 0 to 255, `part.left` and `part.right` (N,).
inline void add_pairs(espalier::io::TensorFile& file, const std::string& part, const Pairs& pairs) {
    file.insert(part + ".canvases", as_bytes(pairs.canvases, 1));
    file.insert(part + ".left", pairs.left);
    file.insert(part + ".right", pairs.right);
}

/// Writes the pairs that a network is trained on, `train`, and tested on, `test`, so that another program can use the same ones.
inline void export_pairs(const std::filesystem::path& path, const Pairs& train, const Pairs& test) {
    espalier::io::TensorFile file;
    add_pairs(file, "train", train);
    add_pairs(file, "test", test);
    espalier::io::save_safetensors(path, file);
}

}  // namespace multi_fashion
