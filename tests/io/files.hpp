// SPDX-License-Identifier: MIT
/// @file A folder for the files of a test, and gzip files made without zlib.
#pragma once

#include <espalier/io/endian.hpp>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>

/// An empty folder that is removed with everything in it.
class TemporaryFolder {
public:
    TemporaryFolder() {
        std::random_device device;
        do
            path_ = std::filesystem::temp_directory_path() / ("espalier-test-" + std::to_string(device()));
        while (!std::filesystem::create_directory(path_));
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    const std::filesystem::path& path() const { return path_; }
    std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
    /// Makes a file with these bytes and returns its path.
    std::filesystem::path file(const std::string& name, std::string_view bytes) const {
        std::ofstream{path_ / name, std::ios::binary}.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        return path_ / name;
    }
    std::size_t entries() const { return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator{path_}, {})); }

private:
    std::filesystem::path path_;
};

inline std::string contents(const std::filesystem::path& path) {
    std::ifstream in{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
}

/// A gzip file (RFC 1952) whose data is stored uncompressed in blocks of at most 65535 bytes.
inline std::string gzipped(std::string_view data) {
    std::uint32_t crc = 0xFFFFFFFF;
    for (const char c : data) {
        crc ^= static_cast<unsigned char>(c);
        for (int bit = 0; bit < 8; ++bit)
            crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320 : 0);
    }
    using espalier::io::append;
    std::string out{"\x1f\x8b\x08\0\0\0\0\0\0\xff", 10};
    std::string_view rest = data;
    do {
        const std::string_view block = rest.substr(0, 65535);
        rest.remove_prefix(block.size());
        out += rest.empty() ? '\1' : '\0';
        append<std::endian::little>(out, static_cast<std::uint16_t>(block.size()));
        append<std::endian::little>(out, static_cast<std::uint16_t>(~block.size()));
        out += block;
    } while (!rest.empty());
    append<std::endian::little>(out, ~crc);
    append<std::endian::little>(out, static_cast<std::uint32_t>(data.size()));
    return out;
}
