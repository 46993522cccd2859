// SPDX-License-Identifier: MIT
/// @file Whether a sanitizer watches. Each step takes ten times as long then, and one of a kind tells it as much as a hundred: tests may
/// be content with fewer repetitions and smaller sizes, as long as they pass the same lines. The release build does all of it.
#pragma once

namespace testing {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool sanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool sanitized = true;
#else
inline constexpr bool sanitized = false;
#endif
#else
inline constexpr bool sanitized = false;
#endif

}  // namespace testing
