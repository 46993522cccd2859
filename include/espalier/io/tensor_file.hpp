// SPDX-License-Identifier: MIT
/// @file Named tensors of any element type, with notes: what a safetensors file holds.
#pragma once

#include <espalier/io/dtype.hpp>
#include <espalier/io/endian.hpp>
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
    [[nodiscard]] const std::vector<std::uint64_t>& extents() const noexcept { return extents_; }
    [[nodiscard]] std::string_view bytes() const noexcept { return bytes_; }

    /// @throws ShapeError for extents that a tensor of this library cannot have
    [[nodiscard]] Shape shape() const {
        Shape shape;
        for (const std::uint64_t extent : extents_) {
            require<ShapeError>(std::in_range<Index>(extent), "shape", "expected extents that fit in Index, got ", extent);
            shape.append(static_cast<Index>(extent));
        }
        return shape;
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
        require<StateError>(name != "__metadata__", "tensor_file", "expected any other name than '__metadata__', which is the format's own");
        const auto [place, added] = tensors_.try_emplace(std::move(name), std::move(tensor));
        require<StateError>(added, "tensor_file", "expected each name once, got '", place->first, "' twice");
    }

    /// The tensor of that name. The stored type must be `T`'s, except that F32 and F64 are read as one another: F32 as
    /// `double` is exact, F64 as `float` is rounded. @throws IoError naming the tensor
    template <class T>
    [[nodiscard]] Tensor<T> get(std::string_view name) const {
        const StoredTensor& stored = at(name);
        auto result = Tensor<T>::empty(stored.shape());
        const auto count = static_cast<std::size_t>(result.numel());
        const char* bytes = stored.bytes().data();
        if (stored.dtype() == dtype_of<T>()) {
            if constexpr (std::same_as<T, bool>)  // any other byte in a bool is undefined behaviour
                require<IoError>(std::all_of(bytes, bytes + count, [](char c) { return c == 0 || c == 1; }), "tensor_file",
                                 "expected bytes of 0 or 1 in '", name, "' of type BOOL, got another");
            decode_all<T, std::endian::little>(bytes, count, result.data());
            return result;
        }
        if constexpr (std::floating_point<T>) {
            using Other = std::conditional_t<sizeof(T) == 4, double, float>;
            if (stored.dtype() == dtype_of<Other>()) {
                for (std::size_t i = 0; i < count; ++i)
                    result.data()[i] = static_cast<T>(decode<Other, std::endian::little>(bytes + i * sizeof(Other)));
                return result;
            }
        }
        fail<IoError>("tensor_file", "expected '", name, "' of type ", std::floating_point<T> ? "F32 or F64" : name_of(dtype_of<T>()),
                      ", got ", name_of(stored.dtype()));
    }

    /// The tensor as it is stored. @throws IoError that names some of the tensors there are
    [[nodiscard]] const StoredTensor& at(std::string_view name) const {
        const auto found = tensors_.find(name);
        if (found == tensors_.end())
            fail<IoError>("tensor_file", "expected a tensor named '", name, "', got ", some_names());
        return found->second;
    }

    [[nodiscard]] bool contains(std::string_view name) const noexcept { return tensors_.find(name) != tensors_.end(); }
    [[nodiscard]] std::size_t size() const noexcept { return tensors_.size(); }
    [[nodiscard]] bool empty() const noexcept { return tensors_.empty(); }
    /// Pairs of name and `StoredTensor`, sorted by name.
    [[nodiscard]] Tensors::const_iterator begin() const noexcept { return tensors_.begin(); }
    [[nodiscard]] Tensors::const_iterator end() const noexcept { return tensors_.end(); }

    [[nodiscard]] Metadata& metadata() noexcept { return metadata_; }
    [[nodiscard]] const Metadata& metadata() const noexcept { return metadata_; }

private:
    [[nodiscard]] std::string some_names() const {
        std::string list = concat(size(), size() == 1 ? " tensor" : " tensors");
        std::size_t shown = 0;
        for (const auto& [name, stored] : tensors_) {
            list += (shown == 0 ? ": '" : ", '") + name + "'";
            if (++shown == 8 && size() > shown) {
                list += ", ...";
                break;
            }
        }
        return list;
    }

    Tensors tensors_;
    Metadata metadata_;
};

}  // namespace espalier::inline ESPALIER_ABI::io
