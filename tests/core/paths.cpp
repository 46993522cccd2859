// SPDX-License-Identifier: MIT
#include <espalier/core/paths.hpp>

#include "catch.hpp"

using namespace espalier;
using espalier::detail::lies_at;
using espalier::detail::require_path;

TEST_CASE("a path lies at itself and at what it lies below, component by component", "[core][paths]") {
    CHECK(lies_at("trunk.0.weight", "trunk.0.weight"));
    CHECK(lies_at("trunk.0.weight", "trunk.0"));
    CHECK(lies_at("trunk.0.weight", "trunk.0."));
    CHECK(lies_at("trunk.0.weight", "trunk"));
    CHECK(lies_at("trunk.0.weight", ""));
    CHECK(lies_at("", ""));
    CHECK_FALSE(lies_at("trunk.10.weight", "trunk.1"));
    CHECK_FALSE(lies_at("trunk", "trunk.0"));
    CHECK_FALSE(lies_at("trunk.0", "0"));
    CHECK_FALSE(lies_at("", "trunk"));
    CHECK_FALSE(lies_at("trunk.0", "trunk..0"));
}

TEST_CASE("a star is any one component", "[core][paths]") {
    CHECK(lies_at("heads.a.0.weight", "heads.*.0"));
    CHECK(lies_at("heads.b.0.weight", "*.*.0.weight"));
    CHECK(lies_at("heads", "*"));
    CHECK_FALSE(lies_at("heads.a.1.weight", "heads.*.0"));
    CHECK_FALSE(lies_at("heads", "heads.*"));
    CHECK_FALSE(lies_at("heads.ab.0", "heads.a*.0"));
}

TEST_CASE("what leads nowhere is told with what there is, as far as it leads", "[core][paths]") {
    const std::vector<std::string_view> paths{"trunk.0.weight", "trunk.0.bias", "trunk.2", "heads.a.weight", "heads.b.weight"};
    for (const char* const good : {"", "trunk", "trunk.0", "heads.*.weight", "*.2"})
        CHECK_NOTHROW(require_path("freeze", paths, good));
    const auto told = [&](std::string_view named) {
        try {
            require_path("freeze", paths, named);
        } catch (const StateError& error) {
            return std::string{error.what()};
        }
        return std::string{};
    };
    CHECK(told("trnk") == "[freeze] expected the path of a part of the model, as 'trunk', 'heads', got 'trnk'");
    CHECK(told("trunk.1.weight") == "[freeze] expected the path of a part of the model, as 'trunk.0', 'trunk.2', got 'trunk.1.weight'");
    CHECK(told("trunk.0.gain") ==
          "[freeze] expected the path of a part of the model, as 'trunk.0.weight', 'trunk.0.bias', got 'trunk.0.gain'");
    CHECK(told("trunk.2.weight") == "[freeze] expected the path of a part of the model, as 'trunk.2', got 'trunk.2.weight'");
    CHECK(told("heads.*.bias") ==
          "[freeze] expected the path of a part of the model, as 'heads.a.weight', 'heads.b.weight', got 'heads.*.bias'");
    CHECK(told(".") == "[freeze] expected the path of a part of the model, as 'trunk', 'heads', got '.'");
    CHECK_THROWS_WITH(require_path("freeze", {}, "trunk"), "[freeze] expected the path of a part of the model, as nothing, got 'trunk'");
}
