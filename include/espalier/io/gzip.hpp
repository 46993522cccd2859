// SPDX-License-Identifier: MIT
/// @file The bytes of a file that may be gzipped. Reading `.gz` needs zlib: define `ESPALIER_HAS_ZLIB=1`, link `-lz`.
///
/// What depends on that choice lies in an inline namespace of its own, so that a program may hold both kinds of
/// translation unit.
#pragma once

#include <espalier/core/error.hpp>
#include <espalier/io/file.hpp>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#ifndef ESPALIER_HAS_ZLIB
#define ESPALIER_HAS_ZLIB 0
#endif

#if ESPALIER_HAS_ZLIB
#include <zlib.h>
#define ESPALIER_ZLIB with_zlib
#else
#define ESPALIER_ZLIB without_zlib
#endif

namespace espalier::inline ESPALIER_ABI::io::inline ESPALIER_ZLIB {
namespace gzip_detail {

[[nodiscard]] inline bool is_gzip(std::string_view bytes) noexcept { return bytes.starts_with("\x1f\x8b"); }

#if ESPALIER_HAS_ZLIB
/// Decompresses the members of a gzip file piece by piece.
class Inflater {
public:
    /// What was read and not yet used comes first in what this gives, and all of it if there is no more; valid until the next call.
    using More = std::function<std::string_view(std::string_view unused)>;

    /// `compressed` must outlive this.
    Inflater(std::string_view compressed, std::filesystem::path path, More more = {})
        : rest_{compressed}, more_{std::move(more)}, path_{std::move(path)} {
        require<IoError>(inflateInit2(&stream_, 15 + 16) == Z_OK, "gunzip", "expected zlib to start, got an error");
    }
    Inflater(const Inflater&) = delete;  // zlib keeps a pointer to the stream
    Inflater& operator=(const Inflater&) = delete;
    ~Inflater() { inflateEnd(&stream_); }

    /// Fills `to` as far as the file goes.
    [[nodiscard]] std::size_t read(char* to, std::size_t count) {
        std::size_t done = 0;
        while (done < count && !finished_) {
            if (rest_.empty())
                refill();
            constexpr std::size_t most = std::numeric_limits<uInt>::max();
            const auto room = static_cast<uInt>(std::min(most, count - done));
            const auto fed = static_cast<uInt>(std::min(most, rest_.size()));
            stream_.next_out = reinterpret_cast<Bytef*>(to + done);
            stream_.avail_out = room;
            stream_.next_in = reinterpret_cast<z_const Bytef*>(const_cast<char*>(rest_.data()));
            stream_.avail_in = fed;
            const int code = inflate(&stream_, Z_NO_FLUSH);
            done += room - stream_.avail_out;
            rest_.remove_prefix(fed - stream_.avail_in);
            if (code == Z_STREAM_END)
                next_member();
            else
                check(code);
        }
        return done;
    }

private:
    void refill() {
        if (more_)
            rest_ = more_(rest_);
    }

    void next_member() {
        if (rest_.size() < 2)  // which tell whether another one begins
            refill();
        finished_ = rest_.empty();
        if (!finished_) {
            require<IoError>(is_gzip(rest_), "gunzip", "expected the end of ", path_, ", got ", rest_.size(),
                             " bytes after the compressed data");
            inflateReset(&stream_);
        }
    }

    void check(int code) {
        if (rest_.empty())
            refill();
        const bool stuck = rest_.empty() && stream_.avail_out > 0;
        require<IoError>(!stuck && code != Z_BUF_ERROR, "gunzip", "expected a complete gzip file, got ", path_, " that ends in the middle");
        require<IoError>(code == Z_OK, "gunzip", "expected a valid gzip file, got corrupted data in ", path_, ": ",
                         stream_.msg ? stream_.msg : "unknown error");
    }

    z_stream stream_{};
    std::string_view rest_;
    More more_;
    std::filesystem::path path_;
    bool finished_ = false;
};
#else
[[noreturn]] inline void fail_without_zlib(const std::filesystem::path& path) {
    fail<IoError>("gunzip", "expected a program built with zlib to read ", path,
                  ", got one without it: define ESPALIER_HAS_ZLIB=1 and link zlib, or decompress the file with gunzip");
}
#endif

}  // namespace gzip_detail

/// The bytes of a file from its beginning to its end, decompressed if it is gzipped (which its first two bytes tell).
class ByteSource {
public:
    /// @throws IoError naming the path, also for a gzip file when the program is built without zlib
    explicit ByteSource(const std::filesystem::path& path) : ByteSource{read_file(path), path} {}
    /// The bytes of a file that is in memory already; `name` stands for it in errors. @throws as above
    ByteSource(std::string bytes, std::filesystem::path name)
        : path_{std::move(name)}, bytes_{std::make_unique<std::string>(std::move(bytes))} {
        if (!gzip_detail::is_gzip(*bytes_))
            return;
#if ESPALIER_HAS_ZLIB
        inflater_ = std::make_unique<gzip_detail::Inflater>(*bytes_, path_);
#else
        gzip_detail::fail_without_zlib(path_);
#endif
    }

    [[nodiscard]] const std::filesystem::path& path() const& noexcept { return path_; }
    [[nodiscard]] std::filesystem::path path() && { return std::move(path_); }

    /// No more bytes than this can come in all: what to allocate is checked against it first. Exact for a plain file;
    /// deflate never shrinks to less than a 1032nd.
    [[nodiscard]] std::uint64_t at_most() const noexcept {
        return compressed() ? std::uint64_t{bytes_->size()} * 1032 : std::uint64_t{bytes_->size()};
    }
    [[nodiscard]] bool compressed() const noexcept {
#if ESPALIER_HAS_ZLIB
        return inflater_ != nullptr;
#else
        return false;
#endif
    }

    /// The next bytes, at most `count`; fewer only at the end. @throws IoError for truncated or corrupted data
    [[nodiscard]] std::size_t read(char* to, std::size_t count) {
#if ESPALIER_HAS_ZLIB
        if (inflater_)
            return inflater_->read(to, count);
#endif
        count = bytes_->copy(to, count, position_);
        position_ += count;
        return count;
    }

    /// Everything that is left. @throws IoError if that is more than `limit` bytes
    [[nodiscard]] std::string read_all(std::uint64_t limit = std::numeric_limits<std::uint64_t>::max()) {
        if (!compressed() && position_ == 0 && bytes_->size() <= limit) {
            position_ = bytes_->size();
            return std::exchange(*bytes_, {});
        }
        std::string result;
        for (;;) {
            const std::size_t before = result.size();
            require<IoError>(before <= limit, "read_bytes", "expected at most ", limit, " bytes in ", path_, ", got more");
            result.resize(before + std::clamp<std::size_t>(before, std::size_t{1} << 16, std::size_t{1} << 26));
            const std::size_t count = read(result.data() + before, result.size() - before);
            const bool ended = count < result.size() - before;
            result.resize(before + count);
            if (ended) {
                require<IoError>(result.size() <= limit, "read_bytes", "expected at most ", limit, " bytes in ", path_, ", got more");
                return result;
            }
        }
    }

private:
    std::filesystem::path path_;
    std::unique_ptr<std::string> bytes_;  // in one place even when this object moves
    std::size_t position_ = 0;
#if ESPALIER_HAS_ZLIB
    std::unique_ptr<gzip_detail::Inflater> inflater_;
#endif
};

/// The same for a file that need not fit into memory, of which a few pieces are held at a time.
class ByteStream {
public:
    /// @throws as `ByteSource`
    explicit ByteStream(const std::filesystem::path& path) : file_{path} {
        read_piece({});
        if (!gzip_detail::is_gzip(piece_))
            return;
#if ESPALIER_HAS_ZLIB
        inflater_ = std::make_unique<gzip_detail::Inflater>(piece_, path, [this](std::string_view unused) { return read_piece(unused); });
#else
        gzip_detail::fail_without_zlib(path);
#endif
    }
    ByteStream(const ByteStream&) = delete;  // what inflates keeps a pointer to this
    ByteStream& operator=(const ByteStream&) = delete;
    ~ByteStream() = default;

    /// The next bytes, at most `count`; fewer only at the end. @throws IoError for truncated or corrupted data
    [[nodiscard]] std::size_t read(char* to, std::size_t count) {
#if ESPALIER_HAS_ZLIB
        if (inflater_)
            return inflater_->read(to, count);
#endif
        const std::size_t begun = piece_.copy(to, count, position_);
        position_ += begun;
        return begun == count ? count : begun + file_.read_into(to + begun, count - begun);
    }

private:
    std::string_view read_piece(std::string_view unused) {
        std::string piece{unused};
        piece += file_.read(std::size_t{1} << 16);
        piece_ = std::move(piece);
        return piece_;
    }

    InputFile file_;
    std::string piece_;
    std::size_t position_ = 0;
#if ESPALIER_HAS_ZLIB
    std::unique_ptr<gzip_detail::Inflater> inflater_;
#endif
};

/// All bytes of a file, plain or gzipped. @throws IoError naming the path, also if there are more than `limit` bytes
[[nodiscard]] inline std::string read_bytes(const std::filesystem::path& path,
                                            std::uint64_t limit = std::numeric_limits<std::uint64_t>::max()) {
    return ByteSource{path}.read_all(limit);
}

}  // namespace espalier::inline ESPALIER_ABI::io::inline ESPALIER_ZLIB
