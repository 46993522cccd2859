# SPDX-License-Identifier: MIT
# What every run_<name>.cmake begins with: PROGRAM runs in FOLDER, which is made anew.
file(REMOVE_RECURSE ${FOLDER})
file(MAKE_DIRECTORY ${FOLDER})
cmake_path(GET PROGRAM STEM program)

function(fail)
    message(FATAL_ERROR ${ARGV} "\nstdout:\n${out}\nstderr:\n${err}")
endfunction()

macro(run)
    execute_process(COMMAND ${PROGRAM} ${ARGN} WORKING_DIRECTORY ${FOLDER} RESULT_VARIABLE code OUTPUT_VARIABLE out ERROR_VARIABLE err)
endmacro()

# Bad input ends with exit code 1 and one line on stderr. Who defines expect_nothing_made(ARGUMENTS...) has that called as well.
function(expect_error pattern)
    run(${ARGN})
    if(NOT code EQUAL 1 OR NOT err MATCHES "^${program}: [^\n]+\n$" OR NOT err MATCHES "${pattern}")
        fail("expected exit code 1 and one line with '${pattern}' on stderr for ${ARGN}, got ${code}")
    endif()
    if(COMMAND expect_nothing_made)
        expect_nothing_made(${ARGN})
    endif()
endfunction()
