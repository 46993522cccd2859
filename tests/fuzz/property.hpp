// SPDX-License-Identifier: MIT
/// @file What the fuzz targets share: a property that fails ends the program, which is what libFuzzer and ctest both see.
///
/// Each target is a function of bytes that must give a value or an IoError; any other exception ends the program as well.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace fuzz {

inline void expect(bool holds, const char* property) {
    if (holds)
        return;
    std::fprintf(stderr, "property does not hold: %s\n", property);
    std::abort();
}

[[nodiscard]] inline std::string text(const std::uint8_t* data, std::size_t size) {
    return size == 0 ? std::string{} : std::string{reinterpret_cast<const char*>(data), size};
}

}  // namespace fuzz
