# SPDX-License-Identifier: MIT
# The target espalier::compiled. It is a library of the project that uses it, made with that project's compiler and flags when something
# links it: what its symbols carry of the flags is then what those of the project's own files do.
function(espalier_add_compiled include)
    if(TARGET espalier_compiled)
        return()  # found a second time
    endif()
    file(GLOB sources CONFIGURE_DEPENDS ${include}/espalier/compiled/*.cpp)
    add_library(espalier_compiled STATIC EXCLUDE_FROM_ALL ${sources})
    add_library(espalier::compiled ALIAS espalier_compiled)
    target_link_libraries(espalier_compiled PUBLIC espalier::espalier)
    target_compile_definitions(espalier_compiled PUBLIC ESPALIER_COMPILED)
    # Each source defines macros before it includes anything.
    set_target_properties(espalier_compiled PROPERTIES POSITION_INDEPENDENT_CODE ON UNITY_BUILD OFF)

    # A file that says -O2 for itself would otherwise meet kernels without optimisation, where the project has no build type.
    get_property(several_configurations GLOBAL PROPERTY GENERATOR_IS_MULTI_CONFIG)
    if(NOT several_configurations AND NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CXX_FLAGS MATCHES "-O")
        target_compile_options(espalier_compiled PRIVATE $<$<CXX_COMPILER_ID:GNU,Clang,AppleClang>:-O2>)
    endif()
endfunction()
