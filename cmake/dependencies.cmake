# SPDX-License-Identifier: MIT
# Everything comes from find_package; what it does not find is downloaded at a pinned version and checked by its hash.
include(cmake/fetch.cmake)

find_package(Threads REQUIRED)

# No version in the call: Eigen 5 refuses a request for 3.4 although it serves as well.
find_package(Eigen3 QUIET NO_MODULE)
if(NOT TARGET Eigen3::Eigen)
    espalier_fetch_headers(
        Eigen3 TARGET Eigen3::Eigen INCLUDE . PACKAGE libeigen3-dev
        URL https://gitlab.com/libeigen/eigen/-/archive/3.4.0/eigen-3.4.0.tar.gz
        SHA256 8586084f71f9bde545ee7fa6d00288b264a2b7ac3607b974e54d13e7162c1c72)
elseif(Eigen3_VERSION AND Eigen3_VERSION VERSION_LESS 3.4)
    message(FATAL_ERROR "Espalier: expected Eigen 3.4 or newer, got ${Eigen3_VERSION} from ${Eigen3_DIR}")
endif()

# A project that only uses the library is not made to download an optional part.
set(ESPALIER_HAS_JSON OFF)
if(ESPALIER_WITH_JSON)
    find_package(nlohmann_json QUIET)
    if(NOT TARGET nlohmann_json::nlohmann_json AND (ESPALIER_BUILD_TESTS OR ESPALIER_BUILD_EXAMPLES))
        espalier_fetch_headers(
            nlohmann_json TARGET nlohmann_json::nlohmann_json INCLUDE include PACKAGE nlohmann-json3-dev
            URL https://github.com/nlohmann/json/releases/download/v3.11.2/json.tar.xz
            SHA256 8c4b26bf4b422252e13f332bc5e388ec0ab5c3443d24399acb675e68278d341f)
    endif()
    if(TARGET nlohmann_json::nlohmann_json)
        set(ESPALIER_HAS_JSON ON)
    endif()
endif()

set(ESPALIER_HAS_ZLIB OFF)
if(ESPALIER_WITH_ZLIB)
    find_package(ZLIB QUIET)
    if(TARGET ZLIB::ZLIB)
        set(ESPALIER_HAS_ZLIB ON)
    else()
        message(STATUS "Espalier: no zlib (Debian: zlib1g-dev), .gz files cannot be read")
    endif()
endif()

set(ESPALIER_HAS_PNG OFF)
if(ESPALIER_WITH_PNG)
    find_package(PNG QUIET)
    if(TARGET PNG::PNG)
        set(ESPALIER_HAS_PNG ON)
    else()
        message(STATUS "Espalier: no libpng (Debian: libpng-dev), PNG images cannot be read")
    endif()
endif()

set(ESPALIER_HAS_JPEG OFF)
if(ESPALIER_WITH_JPEG)
    find_package(JPEG QUIET)
    if(TARGET JPEG::JPEG)
        set(ESPALIER_HAS_JPEG ON)
    else()
        message(STATUS "Espalier: no libjpeg (Debian: libjpeg-dev), JPEG images cannot be read")
    endif()
endif()

if(ESPALIER_BUILD_EXAMPLES)
    find_package(CLI11 QUIET)
    if(NOT TARGET CLI11::CLI11)
        espalier_fetch_headers(
            CLI11 TARGET CLI11::CLI11 INCLUDE include PACKAGE libcli11-dev
            URL https://github.com/CLIUtils/CLI11/archive/refs/tags/v2.3.2.tar.gz
            SHA256 aac0ab42108131ac5d3344a9db0fdf25c4db652296641955720a4fbe52334e22)
    endif()
endif()

if(ESPALIER_BUILD_TESTS)
    find_package(Catch2 QUIET)  # 2.13 and 3 both serve, see tests/catch.hpp
    if(NOT TARGET Catch2::Catch2)
        espalier_fetch_project(
            Catch2 PACKAGE catch2
            URL https://github.com/catchorg/Catch2/archive/refs/tags/v3.4.0.tar.gz
            SHA256 122928b814b75717316c71af69bd2b43387643ba076a6ec16e7882bfb2dfacbb)
        target_compile_options(Catch2 PRIVATE -w)  # warnings as errors are for our code, not for this
        set_target_properties(Catch2 PROPERTIES SYSTEM ON)
    endif()
endif()
