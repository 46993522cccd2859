// SPDX-License-Identifier: MIT
/// @file What this binary was built from, for bug reports and benchmark tables.
#pragma once

#include <espalier/core/config.hpp>
#include <espalier/core/conv_algorithm.hpp>
#include <espalier/core/error.hpp>
#include <espalier/core/isa.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/core/version.hpp>

#include <Eigen/Core>

#include <string>

namespace espalier::inline ESPALIER_ABI {

/// Versions, compiler, instruction set, flags and threads; `text()` is one line of it.
struct BuildInfo {
    std::string version = ESPALIER_VERSION;
#if EIGEN_MAJOR_VERSION >= 5  // semantic versions from here on; before, the first number was the "world"
    std::string eigen = concat(EIGEN_MAJOR_VERSION, '.', EIGEN_MINOR_VERSION, '.', EIGEN_PATCH_VERSION);
#else
    std::string eigen = concat(EIGEN_WORLD_VERSION, '.', EIGEN_MAJOR_VERSION, '.', EIGEN_MINOR_VERSION);
#endif
#if defined(__clang__)
    std::string compiler = concat("clang ", __clang_major__, '.', __clang_minor__);
#elif defined(__GNUC__)
    std::string compiler = concat("gcc ", __GNUC__, '.', __GNUC_MINOR__);
#elif defined(_MSC_VER)
    std::string compiler = concat("msvc ", _MSC_VER);
#else
    std::string compiler = "unknown";
#endif
    std::string isa{isa_name(espalier::isa())};  ///< of our kernels, chosen at run time
    std::string conv{conv_algorithm_name(conv_algorithm())};  ///< the way of convolutions
    std::string eigen_isa = Eigen::SimdInstructionSetsInUse();  ///< of Eigen, chosen by compiler flags
    std::string abi = ESPALIER_STRING(ESPALIER_ABI);  ///< what symbols carry of the version and the flags of this unit
    bool fast_math = ESPALIER_FAST_MATH;  ///< `-ffast-math` or a part of it: NaN and infinity get lost in sums and maxima
    int threads = num_threads();
#if defined(__OPTIMIZE__) || (defined(_MSC_VER) && defined(NDEBUG))
    bool optimized = true;
#else
    bool optimized = false;
#endif

    [[nodiscard]] std::string text() const {
        return concat("espalier ", version, ", Eigen ", eigen, ", ", compiler, ", ", isa, ", ", threads,
                      threads == 1 ? " thread" : " threads", conv == "automatic" ? "" : ", " + conv + " convolutions",
                      fast_math ? ", fast math" : "", optimized ? "" : ", NOT OPTIMIZED");
    }
};

/// What this binary was built from and runs on.
[[nodiscard]] inline BuildInfo build_info() { return {}; }

}  // namespace espalier::inline ESPALIER_ABI
