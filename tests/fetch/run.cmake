# SPDX-License-Identifier: MIT
# The download of a missing Eigen, without a network: an archive of the Eigen at hand under a file:// address.
file(REMOVE_RECURSE ${OUT})
file(MAKE_DIRECTORY ${OUT}/eigen-3.4.0)
file(COPY ${EIGEN}/Eigen ${EIGEN}/unsupported DESTINATION ${OUT}/eigen-3.4.0)
file(WRITE ${OUT}/eigen-3.4.0/CMakeLists.txt "message(FATAL_ERROR \"Eigen's own CMake is not to be run\")\n")
execute_process(COMMAND ${CMAKE_COMMAND} -E tar czf eigen.tar.gz eigen-3.4.0 WORKING_DIRECTORY ${OUT}
                COMMAND_ERROR_IS_FATAL ANY)
file(SHA256 ${OUT}/eigen.tar.gz right)
string(REPEAT 0 64 wrong)

# Configures the add_subdirectory consumer where Eigen cannot be found, and compares with what must come of it.
function(configure name expected)
    execute_process(COMMAND ${CMAKE_COMMAND} -S ${SOURCE}/tests/consumers/add_subdirectory -B ${OUT}/${name}
                            -G ${GENERATOR} -D CMAKE_CXX_COMPILER=${COMPILER} -D ESPALIER_DIR=${SOURCE}
                            -D CMAKE_DISABLE_FIND_PACKAGE_Eigen3=ON ${ARGN}
                    RESULT_VARIABLE code OUTPUT_VARIABLE text ERROR_VARIABLE text)
    string(REGEX REPLACE "[ \n]+" " " text "${text}")  # CMake breaks the lines of its messages
    if(expected STREQUAL "success" AND NOT code EQUAL 0)
        message(FATAL_ERROR "${name}: expected success, got ${text}")
    elseif(NOT expected STREQUAL "success" AND (code EQUAL 0 OR NOT text MATCHES "${expected}"))
        message(FATAL_ERROR "${name}: expected an error with '${expected}', got code ${code}: ${text}")
    endif()
    message(STATUS "${name}: as expected")
endfunction()

set(here -D ESPALIER_EIGEN3_URL=file://${OUT}/eigen.tar.gz)
configure(right_hash success ${here} -D ESPALIER_EIGEN3_SHA256=${right})
configure(wrong_hash "SHA-256 ${wrong}, got ${right} .* apt-get install libeigen3-dev" ${here}
          -D ESPALIER_EIGEN3_SHA256=${wrong})
configure(no_file "downloading file://.* failed: .* apt-get install libeigen3-dev"
          -D ESPALIER_EIGEN3_URL=file://${OUT}/none.tar.gz)
configure(not_allowed "Eigen3 was not found.* apt-get install libeigen3-dev" -D ESPALIER_FETCH_DEPENDENCIES=OFF)

execute_process(COMMAND ${CMAKE_COMMAND} --build ${OUT}/right_hash COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${OUT}/right_hash/consumer COMMAND_ERROR_IS_FATAL ANY)
