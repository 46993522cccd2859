# SPDX-License-Identifier: MIT
# Test files joined to few translation units. What the files of a room instantiate is much the same; joined, it is compiled once
# instead of once for each file, which takes a fifth of the time. In its unit each file is included in a namespace of its own, so
# that two may give one name to different things. Before that the unit includes all that the files do: those lines do nothing then.
option(ESPALIER_TEST_JOINED "Compile many test files as one: faster in all, slower after a change of one file" OFF)
set(files_in_a_unit 36)  # at most; more would take more memory, 3 GB as it is

# Sets `result` to the sources of the program `name`, which is made of the files `ARGN`.
function(joined_sources result name)
    if(NOT ESPALIER_TEST_JOINED)
        set(${result} ${ARGN} PARENT_SCOPE)
        return()
    endif()
    set(units)
    set(files)
    foreach(source IN LISTS ARGN)
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})  # it is read here
        # With macros of its own it may read headers in another way; operator new is everybody's.
        file(STRINGS ${source} alone REGEX "^ *# *(define|undef)|^void\\* operator new" LIMIT_COUNT 1)
        if(alone)
            list(APPEND units ${source})
        else()
            list(APPEND files ${source})
        endif()
    endforeach()
    while(files)
        list(LENGTH files count)
        math(EXPR rest "(${count} - 1) / ${files_in_a_unit}")  # units after this one: all are to be of one size
        math(EXPR rest "${count} * ${rest} / (${rest} + 1)")
        list(SUBLIST files ${rest} -1 members)
        list(SUBLIST files 0 ${rest} files)
        set(unit ${CMAKE_CURRENT_BINARY_DIR}/joined/${name}_${rest}.cpp)
        join(${unit} ${members})
        list(APPEND units ${unit})
    endwhile()
    set(${result} ${units} PARENT_SCOPE)
endfunction()

function(join unit)
    set(includes)
    set(bodies)
    foreach(source IN LISTS ARGN)
        cmake_path(GET source PARENT_PATH folder)
        file(STRINGS ${source} lines REGEX "^ *# *(include|if|elif|else|endif)")
        foreach(line IN LISTS lines)
            string(REGEX MATCH "include \"([^\"]+)\"" matched "${line}")
            if(matched AND EXISTS ${folder}/${CMAKE_MATCH_1})  # as seen from where the file is
                set(line "#include \"${folder}/${CMAKE_MATCH_1}\"")
            endif()
            string(APPEND includes "${line}\n")
        endforeach()
        file(STRINGS ${source} shared REGEX "^namespace [a-z:]+ {" LIMIT_COUNT 1)  # what it defines there is for other files as well
        if(shared)
            string(APPEND bodies "#include \"${source}\"\n")
        else()
            cmake_path(RELATIVE_PATH source BASE_DIRECTORY ${PROJECT_SOURCE_DIR}/tests OUTPUT_VARIABLE path)
            string(MAKE_C_IDENTIFIER ${path} space)
            string(APPEND bodies "namespace ${space} {\n#include \"${source}\"\n}\n")
        endif()
    endforeach()
    file(CONFIGURE OUTPUT ${unit} CONTENT "${includes}\n${bodies}" @ONLY)
endfunction()
