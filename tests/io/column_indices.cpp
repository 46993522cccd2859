// SPDX-License-Identifier: MIT
#include <espalier/io/column_indices.hpp>

#include <espalier/nn/embedding_bag.hpp>
#include <espalier/nn/encoder.hpp>

#include "catch.hpp"

#include <string>
#include <vector>

using namespace espalier;

namespace {

io::CsvTable films() { return io::parse_csv("user,genres\nfoobar,drama|war\n7,\n,war | drama|drama\n7,comedy\n"); }

}  // namespace

TEST_CASE("hashed texts are buckets, missing ones -1", "[io][column_indices]") {
    const auto users = films().column("user");
    CHECK(io::hashed_indices(users, 1000) == Tensor<Index>{{4}, {275, 759, -1, 759}});
    CHECK(io::hashed_indices(users, 1000, 1)[0] == 729);
    CHECK_THROWS_WITH(io::hashed_indices(users, 0), "[hash_bucket] expected at least one bucket, got 0");
    CHECK(io::hashed_indices(io::parse_csv("a,b\n").column("a"), 3).shape() == Shape{0});
}

TEST_CASE("cells of several labels are sequences that an embedding bag reads", "[io][column_indices]") {
    const auto genres = films().column("genres");
    const auto names = io::label_names(genres, '|');
    REQUIRE(names == std::vector<std::string>{"comedy", "drama", "war"});
    const auto sequences = io::label_sequences(genres, names, '|');
    CHECK(sequences == data::Sequences{{1, 2}, {}, {2, 1, 1}, {0}});
    CHECK(io::label_sequences(genres, {"war"}, '|') == data::Sequences{{0}, {}, {0}, {}});  // others are not known
    const auto drama = data::hash_bucket("drama", 50), war = data::hash_bucket("war", 50), comedy = data::hash_bucket("comedy", 50);
    CHECK(io::hashed_sequences(genres, '|', 50) == data::Sequences{{drama, war}, {}, {war, drama, drama}, {comedy}});
    CHECK_THROWS_AS(io::hashed_sequences(genres, '|', 0), ValueError);
    nn::From bag{"genres", nn::EmbeddingBag{Tensor<float>{{3, 1}, {1, 2, 4}}, {.mode = nn::BagMode::sum}}};
    CHECK(bag(data::Inputs<>{{"genres", sequences}}).value() == Tensor<float>{{4, 1}, {6, 0, 8, 1}});
}
