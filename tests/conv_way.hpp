// SPDX-License-Identifier: MIT
/// @file The way of convolutions for a scope.
#pragma once

#include <espalier/core/conv_algorithm.hpp>

namespace testing {

class ConvWay {
public:
    explicit ConvWay(espalier::ConvAlgorithm algorithm) : before_{espalier::conv_algorithm()} { espalier::set_conv_algorithm(algorithm); }
    ~ConvWay() { espalier::set_conv_algorithm(before_); }
    ConvWay(const ConvWay&) = delete;
    ConvWay& operator=(const ConvWay&) = delete;

private:
    espalier::ConvAlgorithm before_;
};

}  // namespace testing
