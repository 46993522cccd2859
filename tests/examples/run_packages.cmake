# SPDX-License-Identifier: MIT
# usage: cmake -D PROGRAM=... -D FOLDER=... -P run_packages.cmake
#
# A short training on packages that are made up here, from a file and from the standard input: the table, masked tasks, lines that are labelled
# by the weights from the file; the same on one thread; bad input ends with one line on stderr and exit code 1.
cmake_minimum_required(VERSION 3.25)
include(${CMAKE_CURRENT_LIST_DIR}/running.cmake)

# The name tells section and role, the description the interface; one of four has no tags, and some say two languages, which are no class.
set(all "")
set(syllables ba do fi ku le mo ni ro su ta)
foreach(first IN LISTS syllables)
    foreach(second IN LISTS syllables)
        set(stem ${first}${second})
        string(APPEND all "Package: ${stem}\nInstalled-Size: 5000\nDescription: window program\n A longer description.\n .\n Ends here.\n"
                          "Tag: interface::graphical, interface::x11,\n role::program, implemented-in::c\nSection: x11\n\n"
                          "Package: lib${stem}-dev\nSource: ${stem} (1.0)\nInstalled-Size: 90\nDescription-en: files to compile with\n"
                          "Tag: role::devel-lib, implemented-in::c, implemented-in::perl\nSection: contrib/libdevel\n\n"
                          "Package: ${stem}-doc\nSource: ${stem}\nInstalled-Size: 800\nDescription: pages to read\nSection: doc\n\n"
                          "Package: ${stem}ctl\nDescription: shell program\nTag: interface::commandline, role::program, works-with::file,\n"
                          " implemented-in::perl\nSection: admin\n\n")
    endforeach()
endforeach()
file(WRITE ${FOLDER}/all "${all}Package: baba\nSection: again\n")

set(short --epochs 12 --batch 16 --width 16 --buckets 512)
run(--input all ${short} --out all.out)
if(NOT code EQUAL 0)
    fail("expected exit code 0, got ${code}")
endif()
foreach(pattern "3[0-9][0-9] packages to learn from, [0-9]+ held out; 12 epochs" "task +kind +of +known +guessing +network"
        "section +class +4 +100 %   accuracy +0.[0-9]+ +1.000" "role +class +2 +75 %   accuracy +0.[0-9]+ +1.000"
        "implemented-in +class +2 +50 %   accuracy +0.[0-9]+ +1.000" "interface +labels +3 +50 %   micro F1 +0.[0-9]+ +1.000"
        "works-with +labels +1 +25 %   micro F1 +1.000 +1.000" "size +number +75 %   RMSE, decades +0.[6-9][0-9]+ +0.[01]"
        "/all.out/packages.safetensors")
    if(NOT out MATCHES "${pattern}")
        fail("expected '${pattern}' in the output")
    endif()
endforeach()

file(WRITE ${FOLDER}/typed "libzuza-dev files to compile with\nzuza window program\n\nzuza\n")
execute_process(COMMAND ${PROGRAM} --weights all.out/packages.safetensors --prompt WORKING_DIRECTORY ${FOLDER} INPUT_FILE ${FOLDER}/typed
                RESULT_VARIABLE code OUTPUT_VARIABLE out ERROR_VARIABLE err)
if(NOT code EQUAL 0 OR NOT out MATCHES
   "^Type [^\n]+\n> section libdevel; role devel-lib; [^\n]+; size [0-9]+ KiB\n> section x11; role program; implemented-in c; interface graphical, x11; [^\n]+\n> \n$")
    fail("expected two packages that are labelled and exit code 0, got ${code}")
endif()

# The ends of lines that Windows writes are no part of a name.
set(said "")
foreach(end IN ITEMS "\n" "\r\n")
    file(WRITE ${FOLDER}/typed "zuza-doc${end}${end}")
    execute_process(COMMAND ${PROGRAM} --weights all.out/packages.safetensors --prompt WORKING_DIRECTORY ${FOLDER} INPUT_FILE ${FOLDER}/typed
                    RESULT_VARIABLE code OUTPUT_VARIABLE out ERROR_VARIABLE err)
    if(NOT code EQUAL 0 OR NOT (said STREQUAL "" OR said STREQUAL out))
        fail("expected the same answer as before, ${said}")
    endif()
    set(said "${out}")
endforeach()

# The same from the standard input, on one thread.
execute_process(COMMAND ${PROGRAM} --input - ${short} --threads 1 --out piped WORKING_DIRECTORY ${FOLDER} INPUT_FILE ${FOLDER}/all
                RESULT_VARIABLE code OUTPUT_VARIABLE out ERROR_VARIABLE err)
file(SHA256 ${FOLDER}/all.out/packages.safetensors from_file)
file(SHA256 ${FOLDER}/piped/packages.safetensors piped)
if(NOT code EQUAL 0 OR NOT from_file STREQUAL piped)
    fail("expected the same weights from the standard input and on one thread, and exit code 0, got ${code}")
endif()

# A network of each task alone beside that of all, and the figures; what another program needs to learn the same.
run(--input all ${short} --rule UPGrad --baselines --json figures.json --out alone)
if(NOT code EQUAL 0 OR NOT out MATCHES "guessing +network +alone\n" OR NOT out MATCHES "section[^\n]+ 0.[0-9]+ +1.000 +1.000\n"
   OR NOT out MATCHES "on average [-+][0-9.]+ % better together than alone")
    fail("expected networks of one task and exit code 0, got ${code}")
endif()
file(READ ${FOLDER}/figures.json json)
foreach(which IN ITEMS together alone)
    string(JSON accuracy GET "${json}" ${which} section)
    string(JSON error GET "${json}" ${which} size)
    if(NOT accuracy EQUAL 1 OR NOT error LESS 0.2)
        fail("expected figures of each task in figures.json, got ${accuracy} and ${error}")
    endif()
endforeach()
run(--input all --buckets 512 --export shared.safetensors --out exported)
if(NOT code EQUAL 0 OR NOT out STREQUAL "" OR EXISTS ${FOLDER}/exported)
    fail("expected features and answers alone and no training, got exit code ${code}")
endif()
file(STRINGS ${FOLDER}/shared.safetensors header LIMIT_COUNT 1 REGEX "train.words.lengths")
foreach(pattern "buckets.*:512.*implemented-in" "test.interface\":{\"dtype\":\"F32\"" "test.section\":{\"dtype\":\"I64\"" "train.size.known" "train.name.elements")
    if(NOT header MATCHES "${pattern}")
        fail("expected '${pattern}' in the header of shared.safetensors")
    endif()
endforeach()

# Sections alone, and a rule beside the sum of one task.
string(REGEX REPLACE "(Installed-Size|Tag): [^\n]+\n( role[^\n]+\n| implemented[^\n]+\n)?" "" sections "${all}")
file(WRITE ${FOLDER}/sections "${sections}")
run(--input sections --epochs 1 --buckets 64 --rule UW --out sections.out)
if(NOT code EQUAL 0 OR NOT out MATCHES "section +class" OR out MATCHES "role +class" OR out MATCHES "size +number")
    fail("expected one task and exit code 0, got ${code}")
endif()

function(expect_nothing_made)
    if(EXISTS ${FOLDER}/packages.safetensors)
        fail("expected no weights for ${ARGN}")
    endif()
endfunction()
file(WRITE ${FOLDER}/no_field "Package: a\nnothing\n")
file(WRITE ${FOLDER}/begins_blank " b\n")
file(WRITE ${FOLDER}/no_name "Section: a\n\nPackage: b\n")
file(WRITE ${FOLDER}/no_number "Package: a\nInstalled-Size: 12k\n")
file(WRITE ${FOLDER}/empty "")
expect_error("'Field: value' in line 2, got 'nothing'" --input no_field)
expect_error("'Field: value' in line 1" --input begins_blank)
expect_error("'Package' in the stanza that ends in line 2" --input no_name)
expect_error("Installed-Size.*line 2, got '12k'" --input no_number)
expect_error("packages to learn from" --input empty)
expect_error("missing" --input missing)
expect_error("expected weights that this program wrote|safetensors" --weights all --prompt)
expect_error("--input" --epochs 1)
expect_error("standard input" --input - --prompt)
foreach(place IN ITEMS all.out)  # before anything is learnt
    run(--input all --json ${place})
    if(NOT code EQUAL 1 OR NOT out STREQUAL "" OR NOT err MATCHES "${place}")
        fail("expected exit code 1 and no training for figures that have no place, got ${code}")
    endif()
endforeach()
expect_error("--json" --weights all.out/packages.safetensors --prompt --json again.json)
expect_error("--rule" --input all --rule none)
expect_error("--input" --weights all --prompt --export shared)
expect_error("--no-such-option" --no-such-option)

run(--help)
if(NOT code EQUAL 0 OR NOT out MATCHES "--prompt")
    fail("expected the options and exit code 0 for --help, got ${code}")
endif()

# What does not get out is told.
if(EXISTS /dev/full)
    execute_process(COMMAND ${PROGRAM} --weights all.out/packages.safetensors --prompt WORKING_DIRECTORY ${FOLDER} INPUT_FILE ${FOLDER}/typed
                    OUTPUT_FILE /dev/full RESULT_VARIABLE code ERROR_VARIABLE err)
    if(NOT code EQUAL 1 OR NOT err MATCHES "standard output")
        fail("expected exit code 1 where nothing can be written, got ${code}")
    endif()
endif()
