// SPDX-License-Identifier: MIT
// Bytes are refused by an IoError, or give the same whether they are read in pieces or at once; and what zlib compressed
// comes back, unless it is cut.
#include <espalier/io/gzip.hpp>

#include "fuzz/property.hpp"

#include <algorithm>
#include <optional>

using namespace espalier;

namespace {

constexpr std::uint64_t limit = 1 << 20;

std::optional<std::string> at_once(const std::string& bytes) {
    try {
        return io::ByteSource{bytes, "fuzz"}.read_all(limit);
    } catch (const IoError&) {
        return std::nullopt;
    }
}

std::optional<std::string> in_pieces(const std::string& bytes, std::size_t piece) {
    try {
        io::ByteSource source{bytes, "fuzz"};
        std::string result;
        std::string some(piece, '\0');
        for (;;) {
            const std::size_t count = source.read(some.data(), piece);
            result.append(some, 0, count);
            fuzz::expect(result.size() <= source.at_most(), "no more bytes come than were announced");
            if (result.size() > limit)
                return std::nullopt;
            if (count < piece)
                return result;
        }
    } catch (const IoError&) {
        return std::nullopt;
    }
}

#if ESPALIER_HAS_ZLIB
std::string compressed(const std::string& bytes, int level) {
    z_stream stream{};
    fuzz::expect(deflateInit2(&stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK, "zlib starts");
    std::string result(deflateBound(&stream, static_cast<uLong>(bytes.size())) + 64, '\0');
    stream.next_in = reinterpret_cast<z_const Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    stream.next_out = reinterpret_cast<Bytef*>(result.data());
    stream.avail_out = static_cast<uInt>(result.size());
    fuzz::expect(deflate(&stream, Z_FINISH) == Z_STREAM_END, "zlib ends");
    result.resize(result.size() - stream.avail_out);
    deflateEnd(&stream);
    return result;
}
#endif

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string bytes = fuzz::text(data, size);
    const std::size_t piece = size == 0 ? 1 : std::size_t{1} + data[size - 1];
    fuzz::expect(at_once(bytes) == in_pieces(bytes, piece), "pieces are the whole");
#if ESPALIER_HAS_ZLIB
    const std::string packed = compressed(bytes, size == 0 ? 6 : data[0] % 10);
    fuzz::expect(at_once(packed) == bytes, "what was compressed comes back");
    fuzz::expect(at_once(packed + packed) == bytes + bytes, "members come one after the other");
    const std::size_t cut = 2 + (packed.size() - 2) * (piece - 1) / 256;  // below 2 bytes it is no gzip file
    fuzz::expect(!at_once(packed.substr(0, cut)), "a file that is cut is refused");
#endif
    return 0;
}
