// SPDX-License-Identifier: MIT
/// @file PNG to images and back. It needs libpng: define `ESPALIER_HAS_PNG=1`, link `-lpng`.
///
/// libpng tells of errors by longjmp, which no destructor survives. So all that has one lies in an object around the calls, and
/// a group of calls is a function without any object of its own, run by `guarded`.
#pragma once

#include <espalier/io/file.hpp>
#include <espalier/io/pixels.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#ifndef ESPALIER_HAS_PNG
#define ESPALIER_HAS_PNG 0
#endif

#if ESPALIER_HAS_PNG
#include <csetjmp>

#include <png.h>
#define ESPALIER_PNG with_png
#else
#define ESPALIER_PNG without_png
#endif

namespace espalier::inline ESPALIER_ABI::io::inline ESPALIER_PNG {
namespace png_detail {

[[nodiscard]] inline bool is_png(std::string_view bytes) noexcept { return bytes.starts_with("\x89PNG\r\n\x1a\n"); }

#if ESPALIER_HAS_PNG
/// What reading and writing share: a libpng object that keeps the text of an error.
class Session {
public:
    Session(const Session&) = delete;  // libpng keeps a pointer to this
    Session& operator=(const Session&) = delete;

protected:
    Session() = default;
    ~Session() = default;

    static void on_error(png_structp png, png_const_charp text) {
        auto& message = static_cast<Session*>(png_get_error_ptr(png))->message_;
        std::strncpy(message.data(), text, message.size() - 1);
        png_longjmp(png, 1);
    }
    static void on_warning(png_structp, png_const_charp) {}

    /// False if libpng found an error in `calls`, whose frame is given up then.
    template <class Calls>
    [[nodiscard]] ESPALIER_NOINLINE bool guarded(const Calls& calls) {
        if (setjmp(png_jmpbuf(png_)))
            return false;
        calls();
        return true;
    }

    png_structp png_ = nullptr;
    png_infop info_ = nullptr;
    std::array<char, 200> message_{};
};

class Reader : Session {
public:
    Reader(std::string_view bytes, const std::filesystem::path& name) : bytes_{bytes}, rest_{bytes}, name_{name} {
        png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, static_cast<Session*>(this), on_error, on_warning);
        info_ = png_ ? png_create_info_struct(png_) : nullptr;
        if (!info_) {
            png_destroy_read_struct(&png_, nullptr, nullptr);
            fail<IoError>("read_png", "expected libpng to start, got an error");
        }
    }
    ~Reader() { png_destroy_read_struct(&png_, &info_, nullptr); }

    template <class Sample>
    [[nodiscard]] Image<Sample> read(const ImageOptions& options) {
        require_read(guarded([this] {
            png_set_user_limits(png_, 0x7fffffff, 0x7fffffff);  // else its own: ours are checked below
            png_set_read_fn(png_, &rest_, take);
            png_read_info(png_, info_);
        }));
        const png_uint_32 height = png_get_image_height(png_, info_), width = png_get_image_width(png_, info_);
        require<IoError>(std::uint64_t{height} * width <= options.max_pixels, "read_png", "expected at most ", options.max_pixels,
                         " pixels in ", name_, ", got ", width, " x ", height);
        const int depth = png_get_bit_depth(png_, info_);
        require<IoError>(!options.as_stored || sizeof(Sample) == 2 || depth <= 8, "read_png",
                         "expected at most 8 bits a sample as they are stored in ", name_, ", got ", depth, ": read Image<std::uint16_t>");
        // Deflate never shrinks to less than a 1032nd: what cannot follow is not made room for.
        const std::uint64_t packed = (std::uint64_t{width} * png_get_channels(png_, info_) * static_cast<unsigned>(depth) + 7) / 8;
        require<IoError>(packed <= std::uint64_t{bytes_.size()} * 1032 / height, "read_png", "expected all of ", width, " x ", height,
                         " pixels in ", name_, ", got a file of ", bytes_.size(), " bytes");
        transform_ = options.as_stored     ? sizeof(Sample) == 1 ? Transform::bytes : Transform::words
                     : sizeof(Sample) == 1 ? Transform::spread_bytes
                                           : Transform::spread_words;
        require_read(guarded([this] { set_transforms(); }));
        return read_rows<Sample>(height, width);
    }

private:
    enum class Transform { bytes, words, spread_bytes, spread_words };

    static void take(png_structp png, png_bytep to, std::size_t count) {
        auto& rest = *static_cast<std::string_view*>(png_get_io_ptr(png));
        if (count > rest.size())
            png_error(png, "it ends in the middle");
        std::memcpy(to, rest.data(), count);
        rest.remove_prefix(count);
    }

    void require_read(bool ok) const {
        require<IoError>(ok, "read_png", "expected a whole PNG image in ", name_, ", got: ", message_.data());
    }

    void set_transforms() {
        const bool spread = transform_ == Transform::spread_bytes || transform_ == Transform::spread_words;
        if (spread)
            png_set_expand(png_);  // palettes to colours, few bits to 8, tRNS to alpha
        else
            png_set_packing(png_);
        if (transform_ == Transform::spread_bytes)
            png_set_scale_16(png_);
        if (transform_ == Transform::spread_words)
            png_set_expand_16(png_);
        if (std::endian::native == std::endian::little)
            png_set_swap(png_);
        png_set_interlace_handling(png_);
        png_read_update_info(png_, info_);
    }

    template <class Sample>
    [[nodiscard]] Image<Sample> read_rows(png_uint_32 height, png_uint_32 width) {
        const Index channels = png_get_channels(png_, info_);
        const std::size_t row = std::size_t{width} * static_cast<std::size_t>(channels);
        const auto stored = static_cast<std::size_t>(png_get_bit_depth(png_, info_)) / 8;  // bytes of a sample in a row of libpng
        require<IoError>(png_get_rowbytes(png_, info_) == row * stored, "read_png", "expected rows of ", row, " samples in ", name_,
                         ", got ", png_get_rowbytes(png_, info_), " bytes");
        Image<Sample> image{static_cast<Index>(height), static_cast<Index>(width), channels, std::vector<Sample>(row * height)};
        rows_.resize(height);
        auto* const begin = reinterpret_cast<png_bytep>(image.samples.data());
        // 8 bits that are to be 16 as they are go to the front of their rows, and are spread from behind.
        for (std::size_t y = 0; y < rows_.size(); ++y)
            rows_[y] = begin + y * row * sizeof(Sample);
        require_read(guarded([this] {
            png_read_image(png_, rows_.data());
            png_read_end(png_, nullptr);
        }));
        if (stored < sizeof(Sample))
            for (std::size_t y = 0; y < rows_.size(); ++y)
                for (std::size_t i = row; i-- > 0;)
                    image.samples[y * row + i] = rows_[y][i];
        return image;
    }

    std::string_view bytes_;
    std::string_view rest_;
    const std::filesystem::path& name_;
    Transform transform_ = Transform::bytes;
    std::vector<png_bytep> rows_;
};

class Writer : Session {
public:
    Writer() {
        png_ = png_create_write_struct(PNG_LIBPNG_VER_STRING, static_cast<Session*>(this), on_error, on_warning);
        info_ = png_ ? png_create_info_struct(png_) : nullptr;
        if (!info_) {
            png_destroy_write_struct(&png_, nullptr);
            fail<IoError>("write_png", "expected libpng to start, got an error");
        }
    }
    ~Writer() { png_destroy_write_struct(&png_, &info_); }

    template <class Sample>
    [[nodiscard]] std::string write(const Image<Sample>& image) {
        constexpr int types[] = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_RGB_ALPHA};
        const int type = types[image.channels - 1];
        const auto row = static_cast<std::size_t>(image.width * image.channels);
        rows_.resize(static_cast<std::size_t>(image.height));
        for (std::size_t y = 0; y < rows_.size(); ++y)  // libpng reads what is not const
            rows_[y] = reinterpret_cast<png_bytep>(const_cast<Sample*>(image.samples.data() + y * row));
        const bool ok = guarded([this, &image, type] {
            png_set_user_limits(png_, 0x7fffffff, 0x7fffffff);
            png_set_write_fn(png_, &bytes_, put, nullptr);
            png_set_IHDR(png_, info_, static_cast<png_uint_32>(image.width), static_cast<png_uint_32>(image.height), 8 * sizeof(Sample),
                         type, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
            png_write_info(png_, info_);
            if (std::endian::native == std::endian::little)
                png_set_swap(png_);
            png_write_image(png_, rows_.data());
            png_write_end(png_, nullptr);
        });
        require<IoError>(ok, "write_png", "expected libpng to write, got: ", message_.data());
        return std::move(bytes_);
    }

private:
    [[nodiscard]] static bool append(std::string& bytes, png_const_bytep from, std::size_t count) noexcept {
        try {
            bytes.append(reinterpret_cast<const char*>(from), count);
            return true;
        } catch (...) {  // C code lets no exception through
            return false;
        }
    }
    static void put(png_structp png, png_bytep from, std::size_t count) {
        if (!append(*static_cast<std::string*>(png_get_io_ptr(png)), from, count))
            png_error(png, "out of memory");
    }

    std::string bytes_;
    std::vector<png_bytep> rows_;
};
#endif

[[noreturn]] inline void fail_without(const char* operation, const std::filesystem::path& name) {
    fail<IoError>(operation, "expected a program built with libpng for ", name,
                  ", got one without it: define ESPALIER_HAS_PNG=1 and link libpng");
}

}  // namespace png_detail

/// The image in the bytes of a PNG file, of any kind: grey, colours or a palette, 1 to 16 bits, interlaced; tRNS becomes alpha.
/// 16 bits are rounded to 8 for `std::uint8_t`. `name` stands for it in errors.
/// @throws IoError for what is broken, cut off or of too many pixels, or without libpng; ValueError for bad options
template <ImageSample Sample = std::uint8_t>
[[nodiscard]] Image<Sample> decode_png(std::string_view bytes, const ImageOptions& options = {},
                                       const std::filesystem::path& name = "image") {
    detail::require_channels(options.channels);
    require<IoError>(png_detail::is_png(bytes), "read_png", "expected a PNG image in ", name, ", got other bytes");
#if ESPALIER_HAS_PNG
    return with_channels(png_detail::Reader{bytes, name}.read<Sample>(options), options.channels);
#else
    png_detail::fail_without("read_png", name);
#endif
}

/// The bytes of a PNG file, of 8 or 16 bits as the samples are. @throws ShapeError for a broken or empty image; IoError without libpng
template <ImageSample Sample>
[[nodiscard]] std::string encode_png(const Image<Sample>& image, const std::filesystem::path& name = "image") {
    detail::require_image("write_png", image);
    require<ShapeError>(!image.samples.empty() && std::max(image.height, image.width) <= 0x7fffffff / 8, "write_png",
                        "expected 1 to 268435455 pixels a side, got ", image.height, " x ", image.width);
#if ESPALIER_HAS_PNG
    static_cast<void>(name);
    return png_detail::Writer{}.write(image);
#else
    png_detail::fail_without("write_png", name);
#endif
}

/// Writes a PNG file in one atomic step, see `write_file`. @throws as `encode_png`, IoError naming the path
template <ImageSample Sample>
void write_png(const std::filesystem::path& path, const Image<Sample>& image) {
    write_file(path, encode_png(image, path));
}

}  // namespace espalier::inline ESPALIER_ABI::io::inline ESPALIER_PNG
