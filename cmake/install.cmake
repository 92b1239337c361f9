# What `cmake --install` puts where: library, header, program, man pages, and the two ways to be found again
# (pkg-config's agop.pc and find_package(agop)).
include(CMakePackageConfigHelpers)

# In a Python wheel, nothing but the library, in the package: wheels know no links, so without numbers in its name.
install(FILES $<TARGET_FILE:agop> DESTINATION agop/lib RENAME libagop.so COMPONENT python EXCLUDE_FROM_ALL)

install(TARGETS agop EXPORT agop-targets)
install(DIRECTORY include/agop DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
if(TARGET agop_program)
    install(TARGETS agop_program)
endif()
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

configure_file(cmake/agop.pc.in agop.pc @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/agop.pc" DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/agop)
install(EXPORT agop-targets NAMESPACE agop:: DESTINATION ${package_folder})
configure_package_config_file(cmake/agop-config.cmake.in agop-config.cmake INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(agop-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/agop-config.cmake" "${CMAKE_CURRENT_BINARY_DIR}/agop-config-version.cmake"
        DESTINATION ${package_folder})

# Man pages are written in scdoc's language; without scdoc the build goes on without them.
find_program(SCDOC scdoc)
file(GLOB man_sources CONFIGURE_DEPENDS docs/man/*.scd)
if(SCDOC AND man_sources)
    foreach(source IN LISTS man_sources)
        get_filename_component(page "${source}" NAME_WLE) # agop-fit.1.scd -> agop-fit.1
        string(REGEX MATCH "[0-9]$" section "${page}")
        set(output "${CMAKE_BINARY_DIR}/man/${page}")
        add_custom_command(OUTPUT "${output}" DEPENDS "${source}" VERBATIM
            COMMAND sh -c "mkdir -p man && '${SCDOC}' < '${source}' > 'man/${page}.part' && mv 'man/${page}.part' 'man/${page}'"
            WORKING_DIRECTORY "${CMAKE_BINARY_DIR}")
        list(APPEND man_pages "${output}")
        install(FILES "${output}" DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
    endforeach()
    add_custom_target(man ALL DEPENDS ${man_pages})
endif()
