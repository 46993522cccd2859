// SPDX-License-Identifier: MIT
/// @file Named tensors of any element type, with notes: what a safetensors file holds.
#pragma once

#include <espalier/io/dtype.hpp>
#include <espalier/io/endian.hpp>
#include <espalier/io/numbers.hpp>
#include <espalier/tensor/tensor.hpp>

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::io {

/// A name from a file for a message: control characters are `?`, and what is very long is cut.
[[nodiscard]] inline std::string printable(std::string_view name) {
    constexpr std::size_t most = 120;
    std::string text{name.substr(0, most)};
    std::replace_if(
        text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 32 || c == 127; }, '?');
    while (text.size() < name.size() && !text.empty() && (static_cast<unsigned char>(name[text.size()]) & 0xC0) == 0x80)
        text.pop_back();  // not in the middle of a character of UTF-8
    return name.size() > most ? text + "..." : text;
}

/// One tensor as bytes, little-endian and row-major. Copies share the bytes, which never change.
class StoredTensor {
public:
    StoredTensor(Dtype dtype, std::vector<std::uint64_t> extents, std::shared_ptr<const std::string> owner, std::string_view bytes)
        : dtype_{dtype}, extents_{std::move(extents)}, owner_{std::move(owner)}, bytes_{bytes} {}

    template <class T>
    explicit StoredTensor(const Tensor<T>& tensor) : dtype_{dtype_of<T>()}, extents_(tensor.shape().begin(), tensor.shape().end()) {
        std::string bytes(static_cast<std::size_t>(tensor.numel()) * sizeof(T), '\0');
        encode_all<std::endian::little>(tensor.data(), static_cast<std::size_t>(tensor.numel()), bytes.data());
        owner_ = std::make_shared<const std::string>(std::move(bytes));
        bytes_ = *owner_;
    }

    [[nodiscard]] Dtype dtype() const noexcept { return dtype_; }
    /// Extents as in the file, which may be more than a `Shape` can hold.
    [[nodiscard]] const std::vector<std::uint64_t>& extents() const& noexcept { return extents_; }
    [[nodiscard]] std::vector<std::uint64_t> extents() && { return std::move(extents_); }
    [[nodiscard]] std::string_view bytes() const& noexcept { return bytes_; }
    std::string_view bytes() && = delete;  // might outlive the bytes

    /// @throws ShapeError for extents that a tensor of this library cannot have
    [[nodiscard]] Shape shape() const {
        Shape shape;
        for (const std::uint64_t extent : extents_) {
            require<ShapeError>(std::in_range<Index>(extent), "shape", "expected extents that fit in Index, got ", extent);
            shape.append(static_cast<Index>(extent));
        }
        return shape;
    }

    /// The tensor, converted to `T`: floats of any of the types F16, BF16, F32 and F64 to a float or double, rounded if `T` is
    /// narrower; integers and truth values to an integer or bool that can hold them. `name` is for errors.
    /// @throws IoError for another type or a value that `T` cannot hold; ShapeError as `shape`
    template <class T>
    [[nodiscard]] Tensor<T> to(std::string_view name) const {
        require<IoError>(detail::reads<T>(dtype_), "tensor_file", "expected '", printable(name), "' of type ", detail::readable<T>(),
                         ", got ", name_of(dtype_));
        auto result = Tensor<T>::empty(shape());
        const auto count = static_cast<std::size_t>(result.numel());
        if constexpr (std::floating_point<T>)
            detail::read_floats(dtype_, bytes_.data(), count, result.data());
        else
            detail::read_integers(printable(name), dtype_, bytes_.data(), count, result.data());
        return result;
    }

private:
    Dtype dtype_;
    std::vector<std::uint64_t> extents_;
    std::shared_ptr<const std::string> owner_;
    std::string_view bytes_;
};

/// Tensors by name, and a map of text to text for everything else. A regular value; copies share the bytes.
class TensorFile {
public:
    using Metadata = std::map<std::string, std::string, std::less<>>;
    using Tensors = std::map<std::string, StoredTensor, std::less<>>;

    /// Adds a copy of a tensor. @throws StateError if the name is there already, or is "__metadata__"
    template <class T>
    void insert(std::string name, const Tensor<T>& tensor) {
        insert(std::move(name), StoredTensor{tensor});
    }
    void insert(std::string name, StoredTensor tensor) {
        require<StateError>(name != "__metadata__", "tensor_file",
                            "expected any other name than '__metadata__', which is the format's own");
        const auto [place, added] = tensors_.try_emplace(std::move(name), std::move(tensor));
        require<StateError>(added, "tensor_file", "expected each name once, got '", place->first, "' twice");
    }

    /// The tensor of that name, converted as by `StoredTensor::to`. @throws IoError naming the tensor, also if it is not there
    template <class T>
    [[nodiscard]] Tensor<T> get(std::string_view name) const {
        return at(name).template to<T>(name);
    }

    /// The tensor as it is stored. @throws IoError that names some of the tensors there are
    [[nodiscard]] const StoredTensor& at(std::string_view name) const& {
        const auto found = tensors_.find(name);
        if (found == tensors_.end())
            fail<IoError>("tensor_file", "expected a tensor named '", printable(name), "', got ", some_names());
        return found->second;
    }
    [[nodiscard]] StoredTensor at(std::string_view name) && { return std::as_const(*this).at(name); }

    [[nodiscard]] bool contains(std::string_view name) const noexcept { return tensors_.find(name) != tensors_.end(); }
    [[nodiscard]] std::size_t size() const noexcept { return tensors_.size(); }
    [[nodiscard]] bool empty() const noexcept { return tensors_.empty(); }
    /// Pairs of name and `StoredTensor`, sorted by name.
    [[nodiscard]] Tensors::const_iterator begin() const& noexcept { return tensors_.begin(); }
    [[nodiscard]] Tensors::const_iterator end() const& noexcept { return tensors_.end(); }
    Tensors::const_iterator begin() && = delete;  // would outlive the tensors
    Tensors::const_iterator end() && = delete;

    [[nodiscard]] Metadata& metadata() & noexcept { return metadata_; }
    [[nodiscard]] const Metadata& metadata() const& noexcept { return metadata_; }
    [[nodiscard]] Metadata metadata() && { return std::move(metadata_); }

    /// `3 tensors: 'a', 'b', 'c'`, the first of them if there are many.
    [[nodiscard]] std::string some_names() const {
        std::string list = concat(size(), size() == 1 ? " tensor" : " tensors");
        std::size_t shown = 0;
        for (const auto& [name, stored] : tensors_) {
            list += (shown == 0 ? ": '" : ", '") + printable(name) + "'";
            if (++shown == 8 && size() > shown) {
                list += ", ...";
                break;
            }
        }
        return list;
    }

private:
    Tensors tensors_;
    Metadata metadata_;
};

}  // namespace espalier::inline ESPALIER_ABI::io
