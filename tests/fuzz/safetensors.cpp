// SPDX-License-Identifier: MIT
// Bytes are refused by an IoError, or are a file that writes itself and comes back equal.
#include <espalier/io/safetensors.hpp>

#include "fuzz/property.hpp"

#include <optional>

using namespace espalier;

namespace {

std::optional<io::TensorFile> parsed(std::string_view bytes) {
    try {
        return io::parse_safetensors(bytes, "fuzz");
    } catch (const IoError&) {
        return std::nullopt;
    }
}

bool same(const io::TensorFile& a, const io::TensorFile& b) {
    return a.metadata() == b.metadata() && std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
               return x.first == y.first && x.second.dtype() == y.second.dtype() && x.second.extents() == y.second.extents() &&
                      x.second.bytes() == y.second.bytes();
           });
}

/// A tensor of the type that it has, or an error of the library: its extents may be more than a `Shape` takes.
template <class T>
void read_as(const io::TensorFile& file, const std::string& name) {
    try {
        const auto tensor = file.get<T>(name);
        const io::StoredTensor back{tensor};
        if (file.at(name).dtype() == back.dtype())
            fuzz::expect(file.at(name).bytes() == back.bytes(), "a tensor has the bytes that are stored");
    } catch (const IoError&) {
    } catch (const ShapeError&) {
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto file = parsed(fuzz::text(data, size));
    if (!file)
        return 0;
    for (const auto& [name, stored] : *file) {
        read_as<float>(*file, name);
        read_as<double>(*file, name);
        read_as<Index>(*file, name);
        read_as<std::uint8_t>(*file, name);
        read_as<bool>(*file, name);
    }
    const std::string written = io::to_safetensors(*file);
    const auto again = parsed(written);
    fuzz::expect(again && same(*file, *again), "what is written is read back equal");
    fuzz::expect(io::to_safetensors(*again) == written, "equal files are written as the same bytes");
    return 0;
}
