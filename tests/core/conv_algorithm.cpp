// SPDX-License-Identifier: MIT
#include "catch.hpp"

#include <espalier/core/build_info.hpp>
#include <espalier/core/conv_algorithm.hpp>

#include <string>

using namespace espalier;

TEST_CASE("the way of convolutions has a name that ESPALIER_CONV takes", "[core][conv_algorithm]") {
    for (const ConvAlgorithm algorithm : {ConvAlgorithm::automatic, ConvAlgorithm::direct, ConvAlgorithm::winograd})
        CHECK(detail::conv_algorithm_of(std::string{conv_algorithm_name(algorithm)}.c_str()) == algorithm);
    CHECK(detail::conv_algorithm_of(nullptr) == ConvAlgorithm::automatic);
    CHECK(detail::conv_algorithm_of("") == ConvAlgorithm::automatic);
    for (const char* const wrong : {"fft", "Direct", "direct ", "0"})
        CHECK_THROWS_AS(detail::conv_algorithm_of(wrong), ValueError);
    CHECK_THROWS_WITH(detail::conv_algorithm_of("fft"),
                      "[conv_algorithm] expected ESPALIER_CONV to be automatic, direct or winograd, got fft");
}

TEST_CASE("the way of convolutions can be set, and build_info tells it", "[core][conv_algorithm]") {
    const ConvAlgorithm before = conv_algorithm();
    for (const ConvAlgorithm algorithm : {ConvAlgorithm::winograd, ConvAlgorithm::direct, ConvAlgorithm::direct}) {
        set_conv_algorithm(algorithm);
        CHECK(conv_algorithm() == algorithm);
        CHECK(build_info().conv == conv_algorithm_name(algorithm));
        CHECK(build_info().text().find(std::string{conv_algorithm_name(algorithm)} + " convolutions") != std::string::npos);
    }
    set_conv_algorithm(ConvAlgorithm::automatic);
    CHECK(build_info().text().find("convolutions") == std::string::npos);
    set_conv_algorithm(before);
}
