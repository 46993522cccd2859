// SPDX-License-Identifier: MIT
/// @file A progress bar: redrawn in place on a terminal, one line an epoch elsewhere.
#pragma once

#include <espalier/core/named.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#if __has_include(<unistd.h>)
#include <sys/ioctl.h>
#include <unistd.h>
#endif

namespace multi_fashion {

/// What a terminal behind a stream can show.
struct Terminal {
    bool interactive = false;  ///< text may be redrawn in place
    bool colour = false;       ///< off under NO_COLOR (no-color.org)
    bool unicode = false;
    int columns = 80;

    [[nodiscard]] static Terminal of([[maybe_unused]] std::FILE* stream) {
        const auto get = [](const char* name) {
            const char* value = std::getenv(name);
            return std::string_view{value ? value : ""};
        };
        Terminal terminal;
#if __has_include(<unistd.h>)
        terminal.interactive = ::isatty(::fileno(stream)) && get("TERM") != "dumb";
        if (::winsize size{}; ::ioctl(::fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
            terminal.columns = size.ws_col;
#endif
        terminal.colour = terminal.interactive && get("NO_COLOR").empty();
        const std::string_view locale = !get("LC_ALL").empty() ? get("LC_ALL") : !get("LC_CTYPE").empty() ? get("LC_CTYPE") : get("LANG");
        terminal.unicode = locale.find("UTF-8") != locale.npos || locale.find("utf8") != locale.npos;
        return terminal;
    }

    [[nodiscard]] std::string paint(const char* code, const std::string& text) const {
        return colour ? "\033[" + std::string{code} + "m" + text + "\033[0m" : text;
    }

    /// Redraws the line that the cursor is in: `title`, a bar of which `share` is done, `words`. The bar takes what these leave of the
    /// terminal's width. The last one of a line stays.
    void draw_bar(const std::string& title, double share, const std::string& words, bool last) const {
        const int room = columns - static_cast<int>(title.size() + words.size()) - 7;
        const int width = room < 8 ? 0 : std::min(room, 32);  // a shorter one tells nothing
        const int full = static_cast<int>(share * width);
        std::string done, rest;
        for (int i = 0; i < width; ++i)
            (i < full ? done : rest) += unicode ? "━" : i < full ? "=" : ".";
        if (unicode && !colour)  // one shape in two colours needs colours
            rest = std::string(static_cast<std::size_t>(width - full), ' ');
        const int fitting = std::max(0, static_cast<int>(words.size()) + std::min(0, room));  // a line that wraps cannot be redrawn
        const std::string shown = words.substr(0, static_cast<std::size_t>(fitting));
        std::fprintf(stderr, "\r\033[K%s  %s%s  %s%s", title.c_str(), paint(last ? "32" : "36", done).c_str(), paint("90", rest).c_str(),
                     shown.c_str(), last ? "\n" : "");
        std::fflush(stderr);
    }
};

/// One task's loss and share of right answers.
struct Score {
    double loss = 0;
    double accuracy = 0;
};
using Scores = espalier::Named<Score>;

/// `printf` into a string.
template <class... Arguments>
[[nodiscard]] std::string text(const char* format, Arguments... arguments) {
    std::string result(static_cast<std::size_t>(std::snprintf(nullptr, 0, format, arguments...)), '\0');
    std::snprintf(result.data(), result.size() + 1, format, arguments...);
    return result;
}

/// Shows on stderr how far a training is. Results are for stdout; this is for who waits.
class Progress {
public:
    explicit Progress(int epochs) : epochs_{epochs} {}
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    ~Progress() {
        if (drawn_)  // an error cut the epoch short: what follows starts on a line of its own
            std::fputc('\n', stderr);
    }

    /// Starts the next epoch.
    void start_epoch() {
        ++epoch_;
        start_ = shown_ = Clock::now();
    }

    /// After a batch: the share of the epoch that is done, and the scores on what has been seen of it.
    void update(double share, const Scores& scores) {
        const auto now = Clock::now();
        if (!terminal_.interactive || now - shown_ < std::chrono::milliseconds{100})
            return;
        shown_ = now;
        const double left = seconds() * (1 - share) / share;
        print(share, line(scores, text("%4.0f s left", left)), false);
    }

    /// Ends an epoch, whose line stays. `note` is put behind it. Returns the seconds it took.
    double finish_epoch(const Scores& scores, const std::string& note = {}) {
        const double seconds = this->seconds();
        print(1, line(scores, text("%6.1f s", seconds)) + note, true);
        return seconds;
    }

private:
    using Clock = std::chrono::steady_clock;

    [[nodiscard]] double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

    [[nodiscard]] static std::string line(const Scores& scores, const std::string& time) {
        std::string result;
        for (const auto& [task, score] : scores)
            result += text("%s %.3f %5.1f %%   ", task.c_str(), score.loss, 100 * score.accuracy);
        return result + time;
    }

    void print(double share, const std::string& words, bool last) {
        const std::string epoch = text("epoch %*d/%d", static_cast<int>(std::to_string(epochs_).size()), epoch_, epochs_);
        if (terminal_.interactive)
            terminal_.draw_bar(epoch, share, words, last);
        else
            std::fprintf(stderr, "%s   %s\n", epoch.c_str(), words.c_str());
        drawn_ = terminal_.interactive && !last;
    }

    Terminal terminal_ = Terminal::of(stderr);
    int epochs_;
    int epoch_ = 0;
    bool drawn_ = false;
    Clock::time_point start_{};
    Clock::time_point shown_{};
};

}  // namespace multi_fashion
