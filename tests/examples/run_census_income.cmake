# SPDX-License-Identifier: MIT
# usage: cmake -D PROGRAM=... -D FOLDER=... -P run_census_income.cmake
#
# All ways learn a small census made here, whose answers its columns tell; bad input ends with one line on stderr and exit code 1.
cmake_minimum_required(VERSION 3.25)
include(${CMAKE_CURRENT_LIST_DIR}/running.cmake)

# --- 200 rows: who is in union earns more, who is in trade has never married ----------------------------------------------------
set(rows "")
foreach(row RANGE 1 200)
    math(EXPR union "${row} % 3")
    math(EXPR trade "${row} / 3 % 2")
    math(EXPR age "20 + ${row} % 40")
    set(income " - 50000.")
    set(member " No")
    if(union EQUAL 0)
        set(income " 50000+.")
        set(member " Yes")
    endif()
    set(marital " Divorced")
    set(industry " Farms")
    if(trade EQUAL 0)
        set(marital " Never married")
        set(industry " Trade")
    endif()
    string(APPEND rows "${age}, a, 1, 2, b, 0, c,${marital},${industry}, d, e, NA, f,${member}, g, h, 0, 0, 0, i, j, k, l, m, 1.5, ?, n, o,"
           " p, q, 4, r, s, t, u, v, 0, w, 2, 52, 95,${income}\n")
endforeach()
file(WRITE ${FOLDER}/census.csv "${rows}")
set(short --data census.csv --train 150 --batch 15 --learning-rate 0.03 --threads 1)

run(${short} --seeds 2 --epochs 8 --runs runs.csv)
if(NOT code EQUAL 0 OR NOT err STREQUAL "" OR NOT out MATCHES "on 50 rows, 41 features; 135 rows to learn from and 15 for validation")
    fail("expected exit code 0 and nothing on stderr, got ${code}")
endif()
foreach(way single-task shared-bottom cross-stitch OMoE MMoE CGC PLE)
    if(NOT out MATCHES "\n${way} +[0-9]+ +[0-9.]+ +[0-9.]+ ± [0-9.]+ +[0-9.]+ ± [0-9.]+\n")
        fail("expected a line for ${way}")
    endif()
endforeach()
if(NOT out MATCHES "\nshared-bottom +[0-9]+ +[0-9.]+ +1.0000 ± 0.0000 +1.0000 ± 0.0000\n")
    fail("expected a shared bottom to learn both answers")
endif()
file(STRINGS ${FOLDER}/runs.csv runs)
list(LENGTH runs count)
if(NOT count EQUAL 29)  # a header, and 7 ways, 2 seeds and 2 tasks
    fail("expected 28 results in runs.csv, got ${count} lines")
endif()

# --- the three columns that tell who is married, and the rows for another program -------------------------------------------------
run(${short} --no-household --seeds 1 --epochs 1 --ways MMoE)
if(NOT code EQUAL 0 OR NOT out MATCHES ", 38 features; " OR NOT out MATCHES "\nMMoE +" OR out MATCHES "\nPLE +")
    fail("expected MMoE alone on three features less, got exit code ${code}")
endif()
run(${short} --export shared.safetensors)
file(SIZE ${FOLDER}/shared.safetensors size)
if(NOT code EQUAL 0 OR size LESS 34400)  # 200 rows of 41 features and two answers of 4 bytes
    fail("expected 200 rows in shared.safetensors, got exit code ${code} and ${size} bytes")
endif()

# --- bad input ---------------------------------------------------------------------------------------------------------------
file(WRITE ${FOLDER}/narrow.csv "1, 2, 3\n4, 5, 6\n")
string(REPLACE " 50000+." " a lot" wrong "${rows}")
file(WRITE ${FOLDER}/wrong.csv "${wrong}")
expect_error("no_such_file" --data no_such_file)
expect_error("expected 42 columns in \"narrow.csv\", got 3" --data narrow.csv)
expect_error("\"wrong.csv\", line 3, column 42 '41', got 'a lot'" --data wrong.csv --train 150)
expect_error("fewer than the 200" --data census.csv)
expect_error("--data" --seeds 1)
expect_error("--ways" ${short} --ways MMoEE)

run(--help)
if(NOT code EQUAL 0 OR NOT out MATCHES "--no-household")
    fail("expected the options and exit code 0 for --help, got ${code}")
endif()
