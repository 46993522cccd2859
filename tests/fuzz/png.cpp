// SPDX-License-Identifier: MIT
// Bytes, as they are and with the check sums that their chunks should have, are refused by an IoError, or are one image in every way;
// and what is written of it is read back equal.
#include <espalier/io/endian.hpp>

#include "fuzz/images.hpp"

namespace {

/// Without this hardly a change would get past the check sums.
std::string with_right_sums(std::string bytes) {
    for (std::size_t at = 8; at + 12 <= bytes.size();) {
        const auto length = std::size_t{espalier::io::decode<std::uint32_t, std::endian::big>(bytes.data() + at)};
        if (length > bytes.size() - at - 12)
            break;
        std::uint32_t sum = 0xFFFFFFFF;
        for (std::size_t i = at + 4; i < at + 8 + length; ++i) {
            sum ^= static_cast<unsigned char>(bytes[i]);
            for (int bit = 0; bit < 8; ++bit)
                sum = sum >> 1 ^ (sum & 1 ? 0xEDB88320 : 0);
        }
        std::string four;
        espalier::io::append<std::endian::big>(four, ~sum);
        bytes.replace(at + 8 + length, 4, four);
        at += 12 + length;
    }
    return bytes;
}

void check(const std::string& bytes) {
    if (const auto image = fuzz::decoded_in_all_ways(bytes))
        fuzz::expect(fuzz::decoded<std::uint8_t>(espalier::io::encode_png(*image), fuzz::small()) == image,
                     "what is written is read back equal");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string bytes = fuzz::text(data, size);
    if (espalier::io::jpeg_detail::is_jpeg(bytes))
        return 0;  // the other target's
    check(bytes);
    if (const std::string right = with_right_sums(bytes); right != bytes)
        check(right);
    return 0;
}
