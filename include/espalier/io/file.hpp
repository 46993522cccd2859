// SPDX-License-Identifier: MIT
/// @file Whole files in, and whole files out in one atomic step.
#pragma once

#include <espalier/core/error.hpp>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#if __has_include(<unistd.h>) && __has_include(<fcntl.h>)
#define ESPALIER_HAS_POSIX 1
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#else
#define ESPALIER_HAS_POSIX 0
#endif

namespace espalier::inline ESPALIER_ABI::io {

/// A file opened for reading, whose size is known before anything is read. @throws IoError naming the path
class InputFile {
public:
    explicit InputFile(std::filesystem::path path) : path_{std::move(path)} {
        std::error_code error;
        const auto status = std::filesystem::status(path_, error);
        require<IoError>(std::filesystem::exists(status), "read_file", "expected a file at ", path_, ", got none");
        require<IoError>(!std::filesystem::is_directory(status), "read_file", "expected a file at ", path_, ", got a directory");
        errno = 0;
        stream_.open(path_, std::ios::binary);
        require<IoError>(stream_.is_open(), "read_file", "expected to open ", path_, ", got: ", reason(errno));
        if (std::filesystem::is_regular_file(status)) {
            size_ = std::filesystem::file_size(path_, error);
            require<IoError>(!error, "read_file", "expected the size of ", path_, ", got: ", error.message());
        }
    }

    [[nodiscard]] const std::filesystem::path& path() const& noexcept { return path_; }
    [[nodiscard]] std::filesystem::path path() && { return std::move(path_); }
    /// Bytes in all; 0 for a pipe or a device, which tells its size only by ending.
    [[nodiscard]] std::uintmax_t size() const noexcept { return size_; }

    /// The next bytes, at most `count`; fewer only at the end.
    [[nodiscard]] std::string read(std::size_t count) {
        std::string bytes(count, '\0');
        bytes.resize(read_into(bytes.data(), count));
        return bytes;
    }
    /// The same into memory that there is; gives how many they are.
    [[nodiscard]] std::size_t read_into(char* to, std::size_t count) {
        stream_.read(to, static_cast<std::streamsize>(count));
        require<IoError>(!stream_.bad(), "read_file", "expected to read ", path_, ", got: ", reason(errno));
        return static_cast<std::size_t>(stream_.gcount());
    }

    /// Exactly the next `count` bytes. @throws IoError if the file ends before.
    [[nodiscard]] std::string read_exactly(std::size_t count) {
        std::string bytes = read(count);
        require<IoError>(bytes.size() == count, "read_file", "expected ", count, " more bytes in ", path_, ", got ", bytes.size());
        return bytes;
    }

private:
    [[nodiscard]] static std::string reason(int code) { return code ? std::generic_category().message(code) : "unknown error"; }

    std::filesystem::path path_;
    std::ifstream stream_;
    std::uintmax_t size_ = 0;
};

/// Every byte of a file. @throws IoError naming the path, also if there are more than `limit` bytes
[[nodiscard]] inline std::string read_file(const std::filesystem::path& path,
                                           std::uint64_t limit = std::numeric_limits<std::uint64_t>::max()) {
    InputFile file{path};
    constexpr std::size_t chunk = std::size_t{1} << 20;
    std::string bytes;
    if (file.size() <= limit)
        bytes = file.read(static_cast<std::size_t>(file.size()));
    while (bytes.size() <= limit && file.size() <= limit) {  // what a pipe holds, or a file that has grown since
        const std::string more = file.read(chunk);
        if (more.empty())
            return bytes;
        bytes += more;
    }
    fail<IoError>("read_file", "expected at most ", limit, " bytes in ", path, ", got more");
}

namespace detail {

/// Beside the target, so that the rename stays within one file system; unique in this machine's processes.
[[nodiscard]] inline std::filesystem::path temporary_beside(const std::filesystem::path& path) {
    static std::atomic<unsigned> counter{0};
#if ESPALIER_HAS_POSIX
    const long process = static_cast<long>(::getpid());
#else
    const long process = 0;
#endif
    auto name = path.filename();
    name += concat(".tmp.", process, '.', counter.fetch_add(1));
    return path.parent_path() / name;
}

inline void rename_over(const std::filesystem::path& from, const std::filesystem::path& to) {
    std::error_code error;
    std::filesystem::rename(from, to, error);
    require<IoError>(!error, "write_file", "expected to rename ", from, " to ", to, ", got: ", error.message());
}

/// Removes the temporary file unless the rename has taken it away.
struct RemoveOnExit {
    const std::filesystem::path& path;
    ~RemoveOnExit() {
        std::error_code ignored;
        std::filesystem::remove(path, ignored);
    }
};

/// Standard C++ alone: atomic for readers, but cannot force the bytes to the disk.
inline void write_portable(const std::filesystem::path& path, std::span<const std::string_view> parts) {
    const auto temporary = temporary_beside(path);
    std::ofstream out{temporary, std::ios::binary | std::ios::trunc};
    require<IoError>(out.is_open(), "write_file", "expected to create ", temporary, ", got: ", std::generic_category().message(errno));
    const RemoveOnExit cleanup{temporary};
    for (const std::string_view part : parts)
        out.write(part.data(), static_cast<std::streamsize>(part.size()));
    out.close();
    require<IoError>(out.good(), "write_file", "expected to write ", path, ", got a failed write");
    rename_over(temporary, path);
}

#if ESPALIER_HAS_POSIX
struct Descriptor {
    int number;
    ~Descriptor() { ::close(number); }
};

/// Bytes reach the disk before the name does, so a crash or a loss of power leaves the old file or the new one.
inline void write_posix(const std::filesystem::path& path, std::span<const std::string_view> parts) {
    const auto temporary = temporary_beside(path);
    const auto check = [&](bool ok, const char* what) {
        require<IoError>(ok, "write_file", "expected to ", what, ' ', path, ", got: ", std::generic_category().message(errno));
    };
    {
        const Descriptor file{::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666)};
        check(file.number >= 0, "create a temporary file beside");
        const RemoveOnExit cleanup{temporary};
        for (std::string_view part : parts)
            while (!part.empty()) {
                const auto written = ::write(file.number, part.data(), part.size());
                if (written < 0 && errno == EINTR)
                    continue;
                check(written > 0, "write");
                part.remove_prefix(static_cast<std::size_t>(written));
            }
        struct ::stat old {};
        if (::stat(path.c_str(), &old) == 0)
            check(::fchmod(file.number, old.st_mode & 07777) == 0, "keep the permissions of");
        check(::fsync(file.number) == 0, "flush to the disk");
        rename_over(temporary, path);
    }
    // The new name is in place now. Some file systems cannot flush a folder: that is no failure to write the file.
    const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path{"."};
    const Descriptor directory{::open(folder.c_str(), O_RDONLY | O_CLOEXEC)};
    if (directory.number >= 0)
        static_cast<void>(::fsync(directory.number));
}
#endif

}  // namespace detail

/// Makes `path` hold `parts` one after the other. Others see the old file or the whole new one, never a part; when
/// something fails, the old file is untouched. A symbolic link stays one: its target is replaced.
/// @throws IoError naming the path
inline void write_file(const std::filesystem::path& path, std::span<const std::string_view> parts) {
    std::error_code error;
    const auto target = std::filesystem::is_symlink(path, error) ? std::filesystem::weakly_canonical(path, error) : path;
    require<IoError>(!error || error == std::errc::no_such_file_or_directory, "write_file", "expected a place for ", path,
                     ", got: ", error.message());
    const auto status = std::filesystem::status(target, error);
    require<IoError>(!std::filesystem::exists(status) || std::filesystem::is_regular_file(status), "write_file",
                     "expected a file or nothing at ", path, ", got something else");
#if ESPALIER_HAS_POSIX
    detail::write_posix(target, parts);
#else
    detail::write_portable(target, parts);
#endif
}
inline void write_file(const std::filesystem::path& path, std::string_view bytes) { write_file(path, std::span{&bytes, 1}); }

}  // namespace espalier::inline ESPALIER_ABI::io
