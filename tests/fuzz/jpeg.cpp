// SPDX-License-Identifier: MIT
// Bytes are refused by an IoError, or are one image in every way; and what is written of it is an image of that size.
#include "fuzz/images.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string bytes = fuzz::text(data, size);
    if (espalier::io::png_detail::is_png(bytes))
        return 0;  // the other target's
    if (const auto image = fuzz::decoded_in_all_ways(bytes)) {
        const auto again = fuzz::decoded<std::uint8_t>(espalier::io::encode_jpeg(*image), fuzz::small());
        fuzz::expect(again && again->samples.size() == image->samples.size(), "what is written is read back");
    }
    return 0;
}
