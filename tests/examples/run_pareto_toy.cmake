# SPDX-License-Identifier: MIT
# usage: cmake -D PROGRAM=... -D FOLDER=... -P run_pareto_toy.cmake
#
# A few steps of some rules and of all, the table and the picture; bad options end with one line on stderr and exit code 1.
cmake_minimum_required(VERSION 3.25)
include(${CMAKE_CURRENT_LIST_DIR}/running.cmake)

# --- three rules: 12,000 steps take Nash-MTL from (0, 0) to the front -------------------------------------------------------
run(--rule Sum,Nash-MTL,UPGrad --steps 12000 --output three.svg)
if(NOT code EQUAL 0 OR NOT err STREQUAL "")
    fail("expected exit code 0 and nothing on stderr, got ${code}")
endif()
string(REGEX MATCHALL "\n(Sum|Nash-MTL|UPGrad) +\\([^\n]+" lines "${out}")
list(LENGTH lines count)
if(NOT count EQUAL 15 OR NOT out MATCHES "12000 steps of Adam at 0.001, the first loss times 0.1")
    fail("expected a line for each of three rules and five starts, got ${count}")
endif()
if(NOT out MATCHES "Nash-MTL +\\(  0.0,  0.0\\)  \\( +-?0.0[0-9]+,  -8.35[0-9]\\)    0.0")
    fail("expected Nash-MTL to lead from (0, 0) to the middle of the front")
endif()
file(READ ${FOLDER}/three.svg svg)
foreach(pattern "^<svg " "</svg>\n$" ">Sum<" ">Nash-MTL<" ">UPGrad<" "class='reached'" "class='stuck'" "of 5<")
    if(NOT svg MATCHES "${pattern}")
        fail("expected '${pattern}' in the picture")
    endif()
endforeach()

# --- all rules: those for more tasks than two say so -------------------------------------------------------------------------
run(--steps 20 --output all.svg)
if(NOT code EQUAL 0 OR NOT out MATCHES "\nKrum +\\[Krum\\] expected at least" OR NOT out MATCHES "\nExcessMTL +\\(")
    fail("expected all rules and a word about Krum, got exit code ${code}")
endif()

# --- bad options ----------------------------------------------------------------------------------------------------------
function(expect_nothing_made)
    if(EXISTS ${FOLDER}/pareto_toy.svg)
        fail("expected no picture for ${ARGN}")
    endif()
endfunction()
expect_error("got 'Summ'" --rule Summ)
expect_error("--steps" --steps 0)
expect_error("--scale" --scale -1)
expect_error("at least one rule for two tasks" --rule Krum --steps 1)
expect_error("no_such_folder" --rule Sum --steps 1 --output no_such_folder/toy.svg)
expect_error("--no-such-option" --no-such-option)

run(--help)
if(NOT code EQUAL 0 OR NOT out MATCHES "--steps")
    fail("expected the options and exit code 0 for --help, got ${code}")
endif()
