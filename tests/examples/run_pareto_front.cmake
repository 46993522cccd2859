# SPDX-License-Identifier: MIT
# usage: cmake -D PROGRAM=... -D DATA=... -D FOLDER=... -P run_pareto_front.cmake
#
# Short trainings of every method, the tables and the picture, the same on one thread; bad options end with one line on stderr and exit
# code 1.
cmake_minimum_required(VERSION 3.25)
include(${CMAKE_CURRENT_LIST_DIR}/running.cmake)

set(short --epochs 1 --pairs 128 --batch 64 --rays 5 --data ${DATA})
run(${short} --method all --alone 2 --output all.svg)
if(NOT code EQUAL 0)
    fail("expected exit code 0, got ${code}")
endif()
string(REGEX MATCHALL "\n0\\.[0-9]+ : 0\\.[0-9]+ +[0-9.]+ +[0-9.]+ +[0-9.]+ +[0-9.]+" points "${out}")
list(LENGTH points count)
if(NOT count EQUAL 22)  # of four methods 5 each, and 2 alone
    fail("expected 22 points, got ${count}")
endif()
string(REGEX MATCHALL "hypervolume [0-9.]+ within \\(2, 2\\), uniformity 0\\.[0-9]+, spread [0-9.]+, [0-9]+ of [0-9]+ points" figures "${out}")
list(LENGTH figures count)
if(NOT count EQUAL 5 OR NOT out MATCHES "cosmos-channels, 33530 parameters" OR NOT out MATCHES "/all.svg\n$")
    fail("expected the figures of five curves and the picture's place, got ${count}")
endif()
file(READ ${FOLDER}/all.svg svg)
foreach(pattern "^<svg " "</svg>\n$" ">cosmos-channels<" ">cosmos-film<" ">phn-ls<" ">phn-epo<" ">a network for each<" "left garment")
    if(NOT svg MATCHES "${pattern}")
        fail("expected '${pattern}' in the picture")
    endif()
endforeach()

run(${short} --method phn-epo,cosmos-film --alone 0 --output two.svg)
file(READ ${FOLDER}/two.svg two)
run(${short} --method phn-epo,cosmos-film --alone 0 --threads 1 --output one_thread.svg)
file(READ ${FOLDER}/one_thread.svg one_thread)
if(NOT two STREQUAL one_thread OR two MATCHES "cosmos-channels")
    fail("expected the same picture of two methods on one thread")
endif()

function(expect_nothing_made)
    if(EXISTS ${FOLDER}/pareto_front.svg)
        fail("expected no picture for ${ARGN}")
    endif()
endfunction()
expect_error("got 'phn'" --method phn)
expect_error("--epochs" --epochs 0)
expect_error("--lambda" --lambda -1)
expect_error("no_such_folder" --data no_such_folder)
expect_error("--no-such-option" --no-such-option)

run(--help)
if(NOT code EQUAL 0 OR NOT out MATCHES "phn-epo")
    fail("expected the options and exit code 0 for --help, got ${code}")
endif()
