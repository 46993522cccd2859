// SPDX-License-Identifier: MIT
/// @file Runs code in a child process, within a time limit.
#pragma once

#include <sys/wait.h>
#include <unistd.h>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <iostream>

// The thread sanitizer ends a child that was forked from a process with threads, once it starts one of its own.
#if defined(__SANITIZE_THREAD__)
#define ESPALIER_TEST_FORKS 0
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define ESPALIER_TEST_FORKS 0
#endif
#endif
#ifndef ESPALIER_TEST_FORKS
#define ESPALIER_TEST_FORKS 1
#endif

inline constexpr int hung = 1000;    ///< what `in_child` gives for a child that did not end
inline constexpr int killed = 2000;  ///< what it adds to the number of another signal

/// The leak sanitizer asks this. In a child it takes for leaks what other threads of the parent held.
inline bool is_child = false;
extern "C" [[gnu::used]] inline int __lsan_is_turned_off() { return is_child; }

/// What a child does first: a time limit, and a quiet end for those that are to be aborted.
inline void begin_child() {
    is_child = true;
    alarm(20);
    std::signal(SIGABRT, SIG_DFL);  // Catch2 has a report printed
    std::set_terminate([] { std::abort(); });
}

/// The exit code, or the above, for what `waitpid` said.
inline int result_of(int status) {
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    return WTERMSIG(status) == SIGALRM ? hung : killed + WTERMSIG(status);
}

/// The exit code of a child that calls `body`, and then `exit` with what it returns, all within 20 seconds.
template <class Body>
int in_child(const Body& body) {
    std::cout.flush();  // else the child prints it once more
    const pid_t child = fork();
    if (child == 0) {
        begin_child();
        int code = 99;  // what an exception gives
        try {
            code = body();
        } catch (...) {
        }
        std::exit(code);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child)
        return -1;
    return result_of(status);
}
