// SPDX-License-Identifier: MIT
/// @file JPEG to images and back. It needs libjpeg-turbo: define `ESPALIER_HAS_JPEG=1`, link `-ljpeg`.
///
/// libjpeg has its errors handled by longjmp, which no destructor survives. So all that has one lies in an object around the
/// calls, and a group of calls is a function without any object of its own, run by `guarded`.
#pragma once

#include <espalier/io/exif.hpp>
#include <espalier/io/file.hpp>
#include <espalier/io/pixels.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#ifndef ESPALIER_HAS_JPEG
#define ESPALIER_HAS_JPEG 0
#endif

#if ESPALIER_HAS_JPEG
#include <csetjmp>
#include <cstdio>
#include <cstdlib>

// after <cstdio>, which it takes for granted
#include <jpeglib.h>
// after jpeglib.h
#include <jerror.h>
#define ESPALIER_JPEG with_jpeg
#else
#define ESPALIER_JPEG without_jpeg
#endif

namespace espalier::inline ESPALIER_ABI::io::inline ESPALIER_JPEG {
namespace jpeg_detail {

[[nodiscard]] inline bool is_jpeg(std::string_view bytes) noexcept { return bytes.starts_with("\xff\xd8\xff"); }

#if ESPALIER_HAS_JPEG
/// libjpeg's errors: the text of the last, and the place that they go back to.
struct Errors {
    jpeg_error_mgr manager;  // first, so that its address is this one's
    std::jmp_buf place;
    char message[JMSG_LENGTH_MAX];

    [[nodiscard]] jpeg_error_mgr* start() {
        jpeg_std_error(&manager);
        manager.error_exit = on_error;
        manager.emit_message = on_message;
        message[0] = '\0';
        return &manager;
    }

private:
    static void on_error(j_common_ptr jpeg) {
        auto* errors = reinterpret_cast<Errors*>(jpeg->err);
        jpeg->err->format_message(jpeg, errors->message);
        std::longjmp(errors->place, 1);
    }
    /// A warning is of damage, which libjpeg covers with grey; but for those of what is odd and does no harm.
    static void on_message(j_common_ptr jpeg, int level) {
        const int code = jpeg->err->msg_code;
        const bool harmless = code == JWRN_EXTRANEOUS_DATA || code == JWRN_JFIF_MAJOR || code == JWRN_ADOBE_XFORM || code == JWRN_BOGUS_ICC;
        if (level < 0 && !harmless)
            on_error(jpeg);
    }
};

/// False if libjpeg found an error in `calls`, whose frame is given up then.
template <class Calls>
[[nodiscard]] ESPALIER_NOINLINE bool guarded(Errors& errors, const Calls& calls) {
    if (setjmp(errors.place))
        return false;
    calls();
    return true;
}

class Reader {
public:
    Reader(std::string_view bytes, const std::filesystem::path& name) : bytes_{bytes}, name_{name} {
        jpeg_.err = errors_.start();
        require_read(guarded(errors_, [this] { jpeg_create_decompress(&jpeg_); }));
    }
    Reader(const Reader&) = delete;  // libjpeg keeps pointers to the parts
    Reader& operator=(const Reader&) = delete;
    ~Reader() { jpeg_destroy_decompress(&jpeg_); }

    /// Grey or RGB.
    [[nodiscard]] Image<std::uint8_t> read(const ImageOptions& options) {
        require_read(guarded(errors_, [this] {
            jpeg_mem_src(&jpeg_, reinterpret_cast<const unsigned char*>(bytes_.data()), static_cast<unsigned long>(bytes_.size()));
            jpeg_save_markers(&jpeg_, JPEG_APP0 + 1, 0xffff);  // EXIF
            jpeg_read_header(&jpeg_, TRUE);
        }));
        const std::uint64_t pixels = std::uint64_t{jpeg_.image_height} * jpeg_.image_width;
        require<IoError>(pixels <= options.max_pixels, "read_jpeg", "expected at most ", options.max_pixels, " pixels in ", name_, ", got ",
                         jpeg_.image_width, " x ", jpeg_.image_height);
        const int turned = options.orient ? orientation() : 1;  // now, as the end of reading forgets the markers
        const int components = jpeg_.num_components;
        require<IoError>(components == 1 || components == 3 || components == 4, "read_jpeg",
                         "expected a JPEG image of 1, 3 or 4 components in ", name_, ", got ", components);
        jpeg_.out_color_space = components == 1 ? JCS_GRAYSCALE : components == 3 ? JCS_RGB : JCS_CMYK;
        progress_.progress_monitor = limit_scans;
        jpeg_.progress = &progress_;
        require_read(guarded(errors_, [this] { jpeg_start_decompress(&jpeg_); }));
        Image<std::uint8_t> image{static_cast<Index>(jpeg_.output_height), static_cast<Index>(jpeg_.output_width), components,
                                  std::vector<std::uint8_t>(pixels * static_cast<std::size_t>(components))};
        require_read(guarded(errors_, [this, &image] { read_rows(image.samples.data()); }));
        if (components == 4)
            cmyk_to_rgb(image);
        return oriented(std::move(image), turned);
    }

private:
    void require_read(bool ok) const {
        require<IoError>(ok, "read_jpeg", "expected a whole JPEG image in ", name_, ", got: ", errors_.message);
    }

    void read_rows(std::uint8_t* to) {
        const std::size_t row = std::size_t{jpeg_.output_width} * static_cast<std::size_t>(jpeg_.output_components);
        while (jpeg_.output_scanline < jpeg_.output_height) {
            JSAMPROW line = to + jpeg_.output_scanline * row;
            jpeg_read_scanlines(&jpeg_, &line, 1);
        }
        jpeg_finish_decompress(&jpeg_);
    }

    /// A small file may hold thousands of scans over many pixels, which take hours. Cameras and programs write some ten.
    static void limit_scans(j_common_ptr jpeg) {
        if (reinterpret_cast<j_decompress_ptr>(jpeg)->input_scan_number <= 200)
            return;
        constexpr std::string_view text = "more than 200 scans";
        auto* errors = reinterpret_cast<Errors*>(jpeg->err);
        text.copy(errors->message, text.size());
        errors->message[text.size()] = '\0';
        std::longjmp(errors->place, 1);
    }

    /// Every program writes these inks inverted, as Adobe's does: 255 is none.
    static void cmyk_to_rgb(Image<std::uint8_t>& image) {
        const std::size_t pixels = image.samples.size() / 4;
        for (std::size_t i = 0; i < pixels; ++i) {
            const unsigned black = image.samples[4 * i + 3];
            for (std::size_t c = 0; c < 3; ++c)  // in place: 3 i + c is no sample that is still to be read
                image.samples[3 * i + c] = static_cast<std::uint8_t>((image.samples[4 * i + c] * black + 127) / 255);
        }
        image.samples.resize(3 * pixels);
        image.channels = 3;
    }

    [[nodiscard]] int orientation() const {
        for (const jpeg_marker_struct* marker = jpeg_.marker_list; marker; marker = marker->next)
            if (const int found = detail::exif_orientation({reinterpret_cast<const char*>(marker->data), marker->data_length}); found != 1)
                return found;
        return 1;
    }

    std::string_view bytes_;
    const std::filesystem::path& name_;
    Errors errors_;
    jpeg_progress_mgr progress_{};
    jpeg_decompress_struct jpeg_{};
};

class Writer {
public:
    Writer() {
        jpeg_.err = errors_.start();
        require_written(guarded(errors_, [this] { jpeg_create_compress(&jpeg_); }));
    }
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;
    ~Writer() {
        jpeg_destroy_compress(&jpeg_);
        std::free(bytes_);
    }

    [[nodiscard]] std::string write(const Image<std::uint8_t>& image, int quality) {
        require_written(guarded(errors_, [this, &image, quality] {
            jpeg_mem_dest(&jpeg_, &bytes_, &size_);
            jpeg_.image_height = static_cast<JDIMENSION>(image.height);
            jpeg_.image_width = static_cast<JDIMENSION>(image.width);
            jpeg_.input_components = static_cast<int>(image.channels);
            jpeg_.in_color_space = image.channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
            jpeg_set_defaults(&jpeg_);
            jpeg_set_quality(&jpeg_, quality, TRUE);
            jpeg_start_compress(&jpeg_, TRUE);
            while (jpeg_.next_scanline < jpeg_.image_height) {
                const std::uint8_t* line = image.samples.data() +
                                           jpeg_.next_scanline * static_cast<std::size_t>(image.width * image.channels);
                JSAMPROW row = const_cast<JSAMPROW>(line);  // libjpeg reads what is not const
                jpeg_write_scanlines(&jpeg_, &row, 1);
            }
            jpeg_finish_compress(&jpeg_);
        }));
        return {reinterpret_cast<const char*>(bytes_), size_};
    }

private:
    void require_written(bool ok) const { require<IoError>(ok, "write_jpeg", "expected libjpeg to write, got: ", errors_.message); }

    Errors errors_;
    jpeg_compress_struct jpeg_{};
    unsigned char* bytes_ = nullptr;
    unsigned long size_ = 0;
};
#endif

[[noreturn]] inline void fail_without(const char* operation, const std::filesystem::path& name) {
    fail<IoError>(operation, "expected a program built with libjpeg for ", name,
                  ", got one without it: define ESPALIER_HAS_JPEG=1 and link libjpeg");
}

}  // namespace jpeg_detail

/// The image in the bytes of a JPEG file: grey or RGB, also from CMYK and YCCK, turned upright as its EXIF data say. In 16 bits
/// white is 65535, unless `.as_stored`. `name` stands for it in errors.
/// @throws IoError for what is broken, cut off or of too many pixels, or without libjpeg; ValueError for bad options
template <ImageSample Sample = std::uint8_t>
[[nodiscard]] Image<Sample> decode_jpeg(std::string_view bytes, const ImageOptions& options = {},
                                        const std::filesystem::path& name = "image") {
    detail::require_channels(options.channels);
    require<IoError>(jpeg_detail::is_jpeg(bytes), "read_jpeg", "expected a JPEG image in ", name, ", got other bytes");
#if ESPALIER_HAS_JPEG
    auto image = with_channels(jpeg_detail::Reader{bytes, name}.read(options), options.channels);
    if constexpr (std::is_same_v<Sample, std::uint8_t>) {
        return image;
    } else {
        Image<Sample> wide{image.height, image.width, image.channels, std::vector<Sample>(image.samples.size())};
        const int factor = options.as_stored ? 1 : 257;
        std::transform(image.samples.begin(), image.samples.end(), wide.samples.begin(),
                       [factor](std::uint8_t v) { return static_cast<Sample>(v * factor); });
        return wide;
    }
#else
    jpeg_detail::fail_without("read_jpeg", name);
#endif
}

/// The bytes of a JPEG file; colours at half the resolution, as is usual. `quality` is 1 to 100, see libjpeg.
/// @throws ShapeError for an image that is empty, broken, larger than 65500 pixels a side, or not grey or RGB; ValueError for
/// another quality; IoError without libjpeg
[[nodiscard]] inline std::string encode_jpeg(const Image<std::uint8_t>& image, int quality = 90,
                                             const std::filesystem::path& name = "image") {
    detail::require_image("write_jpeg", image);
    require<ShapeError>(image.channels == 1 || image.channels == 3, "write_jpeg", "expected an image of 1 or 3 channels, got ",
                        image.channels);
    require<ShapeError>(!image.samples.empty() && std::max(image.height, image.width) <= 65500, "write_jpeg",
                        "expected 1 to 65500 pixels a side, got ", image.height, " x ", image.width);
    require<ValueError>(quality >= 1 && quality <= 100, "write_jpeg", "expected a quality from 1 to 100, got ", quality);
#if ESPALIER_HAS_JPEG
    static_cast<void>(name);
    return jpeg_detail::Writer{}.write(image, quality);
#else
    jpeg_detail::fail_without("write_jpeg", name);
#endif
}

/// Writes a JPEG file in one atomic step, see `write_file`. @throws as `encode_jpeg`, IoError naming the path
inline void write_jpeg(const std::filesystem::path& path, const Image<std::uint8_t>& image, int quality = 90) {
    write_file(path, encode_jpeg(image, quality, path));
}

}  // namespace espalier::inline ESPALIER_ABI::io::inline ESPALIER_JPEG
