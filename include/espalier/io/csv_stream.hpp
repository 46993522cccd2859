// SPDX-License-Identifier: MIT
/// @file Tables that are larger than memory, or lie in several files: read in blocks, each of which is a table of some of the rows.
///
/// @code
/// const io::CsvStream clicks{"clicks"};                        // a folder of .csv and .csv.gz, sorted by name; or one file
/// const io::TableEncoder encoder{clicks, columns};             // in one pass
/// const auto encode = [encoder](const io::CsvTable& block) { return data::Dataset{encoder.features(block), encoder.targets(block)}; };
/// data::StreamLoader loader{clicks, encode, {.batch_size = 256}};  // shuffled batches, for a training
/// for (const io::CsvTable& block : clicks)                     // in order, for predictions
///     answer(net.predict(encoder.features(block)));
/// @endcode
#pragma once

#include <espalier/io/csv.hpp>
#include <espalier/io/gzip.hpp>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::io::inline ESPALIER_ZLIB {

/// How a table is read in blocks.
struct CsvStreamOptions {
    CsvOptions csv = {};                                ///< but its `max_bytes`, as a stream may be of any size
    std::size_t block_bytes = std::size_t{1} << 20;     ///< of text read at a time
    std::size_t max_row_bytes = std::size_t{1} << 26;   ///< refuse longer rows, such as all that follows a quote that is never closed
};

/// The rows of some shards in their order, block after block. `CsvStream` makes one.
class CsvBlocks {
public:
    CsvBlocks(std::vector<std::filesystem::path> shards, std::shared_ptr<const CsvStreamOptions> options, std::vector<std::string> names)
        : shards_{std::move(shards)}, options_{std::move(options)}, names_{std::move(names)} {}

    /// The next rows, at least one; nothing at the end. Lines are counted in their own shard. @throws IoError as `CsvStream`; then nothing
    /// more comes
    [[nodiscard]] std::optional<CsvTable> operator()() {
        while (bytes_ || next_ < shards_.size()) {
            auto cells = read();
            if (!cells.lines.empty())
                return CsvTable{std::move(cells)};
        }
        return {};
    }
    /// Those of the first shard, which the others must have as well; empty while nothing is read.
    [[nodiscard]] const std::vector<std::string>& names() const& noexcept { return names_; }

    /// Reads on until the names of the first shard are known.
    void read_names() {
        while (names_.empty())
            static_cast<void>(read());
    }

private:
    [[nodiscard]] detail::CsvCells read() {
        try {
            return read_piece();
        } catch (...) {  // nobody knows where in a row the next piece would begin
            bytes_.reset();
            next_ = shards_.size();
            throw;
        }
    }
    [[nodiscard]] detail::CsvCells read_piece() {
        if (!bytes_) {
            bytes_ = std::make_unique<ByteStream>(shards_[next_]);
            parser_ = std::make_unique<detail::CsvParser>(options_->csv, shards_[next_++]);
        }
        std::string text = std::exchange(rest_, {});
        const std::size_t before = text.size();
        const std::size_t more = std::max({options_->block_bytes, before, std::size_t{1}});  // so that a long row is not begun too often
        text.resize(before + more);
        const std::size_t count = bytes_->read(text.data() + before, more);
        text.resize(before + count);
        const bool last = count < more;
        auto cells = parser_->parse(std::move(text), last, rest_);
        if (rest_.size() > options_->max_row_bytes)
            fail<IoError>("csv_stream", "expected rows of at most ", options_->max_row_bytes, " bytes (see .max_row_bytes) in ", cells.path,
                          ", got a longer one from line ", parser_->line(), " on");
        if (parser_->begun())
            check_names(cells.path);
        if (last)
            bytes_.reset();
        return cells;
    }

    void check_names(const std::filesystem::path& shard) {
        if (names_.empty())
            names_ = parser_->names();
        if (parser_->names() != names_)
            fail<IoError>("csv_stream", "expected in every shard the same columns, ", detail::listed(names_), "; got ",
                          detail::listed(parser_->names()), " in ", shard, ", line 1");
    }

    std::vector<std::filesystem::path> shards_;
    std::shared_ptr<const CsvStreamOptions> options_;  // the parser looks into it
    std::vector<std::string> names_;
    std::size_t next_ = 0;
    std::unique_ptr<ByteStream> bytes_;  // of the shard that is being read
    std::unique_ptr<detail::CsvParser> parser_;
    std::string rest_;  // the beginning of a row
};

/// A table in one file or in several shards, of which a block is in memory at a time. A value, which holds no rows: every loop reads the
/// files anew, and several may at once.
class CsvStream {
public:
    /// A file, plain or gzipped, or the files of a folder whose names end in `.csv` or `.csv.gz`, sorted by name; others in it do not
    /// matter. Its names are read, and no more.
    /// @throws IoError for a file that is missing, empty or no table, a pipe, which could be read once alone, or a folder without any; and
    /// later, naming file, line and column, what `load_csv` throws, other columns than those of the first shard, or a row of more than
    /// `max_row_bytes`
    explicit CsvStream(const std::filesystem::path& path, CsvStreamOptions options = {}) : CsvStream{found(path), std::move(options)} {}
    /// Shards in this order. @throws as above; ValueError for none
    explicit CsvStream(std::vector<std::filesystem::path> shards, CsvStreamOptions options = {})
        : shards_{std::move(shards)}, options_{std::make_shared<const CsvStreamOptions>(std::move(options))} {
        require<ValueError>(!shards_.empty(), "csv_stream", "expected at least one shard, got none");
        for (const auto& shard : shards_)
            require_readable_again(shard);
        CsvBlocks first{shards_, options_, {}};
        first.read_names();
        names_ = first.names();
    }

    [[nodiscard]] const std::vector<std::string>& names() const& noexcept { return names_; }
    [[nodiscard]] std::vector<std::string> names() && { return std::move(names_); }
    [[nodiscard]] const std::vector<std::filesystem::path>& paths() const& noexcept { return shards_; }
    [[nodiscard]] std::vector<std::filesystem::path> paths() && { return std::move(shards_); }

    /// Number of shards.
    [[nodiscard]] Index shards() const noexcept { return static_cast<Index>(shards_.size()); }
    /// The rows of the shards that `order` lists, one shard after the other, as a function that gives the next block or, at the end,
    /// nothing.
    /// @throws ValueError for a shard that there is not
    [[nodiscard]] CsvBlocks open(const std::vector<Index>& order) const {
        std::vector<std::filesystem::path> paths;
        for (const Index shard : order) {
            require<ValueError>(shard >= 0 && shard < shards(), "csv_stream", "expected shards in [0, ", shards(), "), got ", shard);
            paths.push_back(shards_[static_cast<std::size_t>(shard)]);
        }
        return {std::move(paths), options_, names_};
    }
    /// Counts the rows, for which it reads all of them. @throws IoError as above
    [[nodiscard]] Index count_rows() const {
        Index rows = 0;
        for (const CsvTable& block : *this)
            rows += block.rows();
        return rows;
    }

    /// Walks over the blocks, each a table that may be kept.
    class Iterator {
    public:
        using value_type = CsvTable;
        using difference_type = std::ptrdiff_t;

        Iterator() = default;
        [[nodiscard]] const CsvTable& operator*() const& { return *state_->block; }
        [[nodiscard]] CsvTable operator*() && { return *state_->block; }
        [[nodiscard]] const CsvTable* operator->() const& { return &*state_->block; }
        const CsvTable* operator->() && = delete;
        /// @throws IoError as `CsvStream`; it is at the end then
        Iterator& operator++() {
            const auto state = std::exchange(state_, nullptr);
            state->block.reset();
            state->block = state->blocks();
            if (state->block)
                state_ = state;
            return *this;
        }
        void operator++(int) { ++*this; }
        friend bool operator==(const Iterator& iterator, std::default_sentinel_t) noexcept { return !iterator.state_; }

    private:
        friend class CsvStream;
        struct State {
            CsvBlocks blocks;
            std::optional<CsvTable> block;
        };
        explicit Iterator(CsvBlocks blocks) : state_{std::make_shared<State>(State{std::move(blocks), {}})} { ++*this; }

        std::shared_ptr<State> state_;
    };
    /// Begins at the first row. @throws IoError as above
    [[nodiscard]] Iterator begin() const {
        std::vector<Index> order(shards_.size());
        std::iota(order.begin(), order.end(), Index{0});
        return Iterator{open(order)};
    }
    [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }

private:
    static void require_readable_again(const std::filesystem::path& shard) {
        std::error_code error;
        const auto status = std::filesystem::status(shard, error);  // what is not there, or a folder, is refused when it is opened
        require<IoError>(!std::filesystem::exists(status) || std::filesystem::is_regular_file(status) ||
                             std::filesystem::is_directory(status),
                         "csv_stream", "expected a file, which can be read again, at ", shard, ", got a pipe or a device");
    }
    [[nodiscard]] static std::vector<std::filesystem::path> found(const std::filesystem::path& path) {
        std::error_code error;
        if (!std::filesystem::is_directory(path, error))
            return {path};
        std::vector<std::filesystem::path> shards;
        for (std::filesystem::directory_iterator entry{path, error}, end; !error && entry != end; entry.increment(error)) {
            const std::string name = entry->path().filename().string();
            std::error_code unknown;  // then it is refused when it is opened
            if ((name.ends_with(".csv") || name.ends_with(".csv.gz")) && !entry->is_directory(unknown))
                shards.push_back(entry->path());
        }
        require<IoError>(!error, "csv_stream", "expected to read folder ", path, ", got: ", error.message());
        require<IoError>(!shards.empty(), "csv_stream", "expected files that end in .csv or .csv.gz in folder ", path, ", got none");
        std::sort(shards.begin(), shards.end());
        return shards;
    }

    std::vector<std::filesystem::path> shards_;
    std::shared_ptr<const CsvStreamOptions> options_;
    std::vector<std::string> names_;
};

}  // namespace espalier::inline ESPALIER_ABI::io::inline ESPALIER_ZLIB
