# SPDX-License-Identifier: MIT
# install(): headers, the sources of espalier::compiled, CMake package `espalier`, pkg-config file.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(espalier_package_dir ${CMAKE_INSTALL_DATADIR}/cmake/espalier)
install(TARGETS espalier EXPORT espalier-targets FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
                                                FILE_SET kernels DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY include/espalier/compiled DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/espalier FILES_MATCHING PATTERN *.cpp)
install(EXPORT espalier-targets NAMESPACE espalier:: DESTINATION ${espalier_package_dir})

configure_package_config_file(cmake/espalier-config.cmake.in espalier-config.cmake
                              INSTALL_DESTINATION ${espalier_package_dir} NO_SET_AND_CHECK_MACRO
                              PATH_VARS CMAKE_INSTALL_INCLUDEDIR)
write_basic_package_version_file(espalier-config-version.cmake COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES ${PROJECT_BINARY_DIR}/espalier-config.cmake ${PROJECT_BINARY_DIR}/espalier-config-version.cmake
        DESTINATION ${espalier_package_dir})
install(FILES cmake/compiled.cmake DESTINATION ${espalier_package_dir} RENAME espalier-compiled.cmake)

# The .pc file finds its prefix from where it lies, so that the installed tree can be moved.
set(espalier_pc_requires eigen3)
set(espalier_pc_cflags -pthread)
if(ESPALIER_HAS_ZLIB)
    string(APPEND espalier_pc_requires " zlib")
    string(APPEND espalier_pc_cflags " -DESPALIER_HAS_ZLIB=1")
endif()
if(ESPALIER_HAS_PNG)
    string(APPEND espalier_pc_requires " libpng")
    string(APPEND espalier_pc_cflags " -DESPALIER_HAS_PNG=1")
endif()
if(ESPALIER_HAS_JPEG)
    string(APPEND espalier_pc_requires " libjpeg")
    string(APPEND espalier_pc_cflags " -DESPALIER_HAS_JPEG=1")
endif()
cmake_path(IS_ABSOLUTE CMAKE_INSTALL_INCLUDEDIR espalier_absolute)
if(espalier_absolute)
    set(espalier_pc_includedir ${CMAKE_INSTALL_INCLUDEDIR})
else()
    set(espalier_pc_includedir "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()
set(espalier_pc_dir ${CMAKE_INSTALL_DATADIR}/pkgconfig)
cmake_path(IS_ABSOLUTE espalier_pc_dir espalier_absolute)
if(espalier_absolute)
    set(espalier_pc_prefix ${CMAKE_INSTALL_PREFIX})
else()
    file(RELATIVE_PATH espalier_pc_up /${espalier_pc_dir} /)
    set(espalier_pc_prefix "\${pcfiledir}/${espalier_pc_up}")
endif()
configure_file(cmake/espalier.pc.in espalier.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/espalier.pc DESTINATION ${espalier_pc_dir})
