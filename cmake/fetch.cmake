# SPDX-License-Identifier: MIT
# Downloads of dependencies. For a dependency NAME the cache variables ESPALIER_<NAME>_URL and ESPALIER_<NAME>_SHA256
# name the archive, so that a mirror or a local file:// copy can take the place of the address below.
include(FetchContent)

# Downloads the archive of `name` once and declares it to FetchContent, which checks the hash and unpacks it.
function(espalier_declare name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "URL;SHA256;PACKAGE;SOURCE_SUBDIR" "")
    string(TOUPPER ${name} upper)
    string(TOLOWER ${name} lower)
    set(ESPALIER_${upper}_URL ${arg_URL} CACHE STRING "Archive of ${name}")
    set(ESPALIER_${upper}_SHA256 ${arg_SHA256} CACHE STRING "SHA-256 of the archive of ${name}")
    mark_as_advanced(ESPALIER_${upper}_URL ESPALIER_${upper}_SHA256)
    set(url ${ESPALIER_${upper}_URL})
    set(sha256 ${ESPALIER_${upper}_SHA256})
    set_property(GLOBAL APPEND PROPERTY ESPALIER_FETCHED ${name})
    set(remedy "Install it (Debian and Ubuntu: apt-get install ${arg_PACKAGE})")

    if(NOT ESPALIER_FETCH_DEPENDENCIES)
        message(FATAL_ERROR "Espalier: ${name} was not found. ${remedy} or configure with "
                            "-DESPALIER_FETCH_DEPENDENCIES=ON")
    endif()
    if(FETCHCONTENT_SOURCE_DIR_${upper})
        FetchContent_Declare(${name} SOURCE_SUBDIR "${arg_SOURCE_SUBDIR}")
        return()
    endif()

    cmake_path(GET url FILENAME file)
    set(archive ${PROJECT_BINARY_DIR}/_downloads/${lower}-${file})
    set(got "")
    if(EXISTS ${archive})
        file(SHA256 ${archive} got)
    endif()
    if(NOT got STREQUAL sha256)
        message(STATUS "Espalier: ${name} was not found, downloading ${url}")
        file(DOWNLOAD ${url} ${archive} STATUS status INACTIVITY_TIMEOUT 60)
        list(GET status 0 code)
        if(NOT code EQUAL 0)
            list(GET status 1 reason)
            file(REMOVE ${archive})
            message(FATAL_ERROR "Espalier: ${name} was not found, and downloading ${url} failed: ${reason}. ${remedy}.")
        endif()
        file(SHA256 ${archive} got)
        if(NOT got STREQUAL sha256)
            file(REMOVE ${archive})
            message(FATAL_ERROR "Espalier: expected an archive of ${name} with SHA-256 ${sha256}, got ${got} from "
                                "${url}. ${remedy}.")
        endif()
    endif()
    FetchContent_Declare(${name} URL ${archive} URL_HASH SHA256=${sha256} SOURCE_SUBDIR "${arg_SOURCE_SUBDIR}")
endfunction()

# Only the headers, as the imported target that find_package would have given; the project's own CMake is not run.
function(espalier_fetch_headers name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "TARGET;INCLUDE" "")
    espalier_declare(${name} ${arg_UNPARSED_ARGUMENTS} SOURCE_SUBDIR holds-no-cmake)
    FetchContent_MakeAvailable(${name})
    FetchContent_GetProperties(${name} SOURCE_DIR source)
    cmake_path(ABSOLUTE_PATH arg_INCLUDE BASE_DIRECTORY ${source} NORMALIZE)
    add_library(${arg_TARGET} INTERFACE IMPORTED GLOBAL)
    target_include_directories(${arg_TARGET} INTERFACE ${arg_INCLUDE})
endfunction()

# The project with its targets, as add_subdirectory gives them.
function(espalier_fetch_project name)
    espalier_declare(${name} ${ARGN} SOURCE_SUBDIR ".")
    FetchContent_MakeAvailable(${name})
endfunction()
