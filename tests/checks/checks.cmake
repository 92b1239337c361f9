# Rules of the house, each a ctest; beside each that could fall silent, a twin that proves it trips.
set(checks "${CMAKE_CURRENT_SOURCE_DIR}/checks")

function(agop_check name)
    add_test(NAME ${T}check.${name} COMMAND ${ARGN} WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
    set_tests_properties(${T}check.${name} PROPERTIES LABELS check SKIP_RETURN_CODE ${CTEST_SKIPPED} TIMEOUT 600)
endfunction()

# ---- the sanitizers catch what they are there for (the asan build only) ----
if(AGOP_SANITIZE)
    add_executable(trip_sanitizer checks/trip_sanitizer.c)
    set_target_properties(trip_sanitizer PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
    foreach(fault IN ITEMS overrun overflow leak)
        agop_check(sanitizer_trips_on_${fault} trip_sanitizer ${fault})
        set_tests_properties(${T}check.sanitizer_trips_on_${fault} PROPERTIES WILL_FAIL ON)
    endforeach()
    agop_check(sanitizer_is_quiet_on_nothing trip_sanitizer nothing)
    return() # the rest reads files, and once is enough
endif()

agop_check(layers "${AGOP_PYTHON}" ${checks}/layers.py "${CMAKE_SOURCE_DIR}")
agop_check(layers_trips "${AGOP_PYTHON}" ${checks}/layers.py --trip)
agop_check(words "${AGOP_PYTHON}" ${checks}/words.py "${CMAKE_SOURCE_DIR}")
agop_check(words_trips "${AGOP_PYTHON}" ${checks}/words.py --trip)
agop_check(header sh ${checks}/header.sh)
agop_check(header_trips sh ${checks}/header.sh --trip)
agop_check(symbols sh ${checks}/symbols.sh $<TARGET_FILE:agop>)
agop_check(symbols_trips sh ${checks}/symbols.sh --trip $<TARGET_FILE:agop>)
agop_check(layout "${AGOP_PYTHON}" ${checks}/layout.py "${CMAKE_SOURCE_DIR}")
agop_check(layout_trips "${AGOP_PYTHON}" ${checks}/layout.py --trip)
agop_check(tidy sh ${checks}/tidy.sh "${CMAKE_BINARY_DIR}")
set_tests_properties(${T}check.tidy PROPERTIES COST 200 TIMEOUT 1200) # the longest starts first
agop_check(tidy_trips sh ${checks}/tidy.sh --trip)
agop_check(cppcheck sh ${checks}/cppcheck.sh)
agop_check(cppcheck_trips sh ${checks}/cppcheck.sh --trip)
agop_check(example_data sh ${checks}/example_data.sh "${AGOP_PYTHON}")
if(TARGET agop_program)
    agop_check(bench_table "${AGOP_PYTHON}" ${checks}/bench_table.py $<TARGET_FILE:agop_program>)
    agop_check(accuracy_table "${AGOP_PYTHON}" ${checks}/accuracy_table.py $<TARGET_FILE:agop_program>)
endif()
agop_check(clang_builds sh ${checks}/clang_builds.sh "${CMAKE_BINARY_DIR}")

# ---- what is installed can be found, compiled against, and run ----
add_test(NAME ${T}example.install_and_use WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}"
         COMMAND sh "${CMAKE_CURRENT_SOURCE_DIR}/install/install_and_use.sh" "${CMAKE_BINARY_DIR}" "${CMAKE_COMMAND}")
set_tests_properties(${T}example.install_and_use PROPERTIES LABELS example TIMEOUT 300)

# ---- no access outside memory where the sanitizers cannot see: uninitialised values, under valgrind ----
find_program(VALGRIND valgrind)
if(VALGRIND)
    set(memcheck "${VALGRIND}" -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite
        "--suppressions=${checks}/valgrind.supp")
    foreach(name IN ITEMS test_csv test_npy test_table test_settings test_text test_safetensors)
        if(TARGET ${name})
            add_test(NAME ${T}valgrind.${name} COMMAND ${memcheck} $<TARGET_FILE:${name}>
                     WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
            set_tests_properties(${T}valgrind.${name} PROPERTIES LABELS valgrind TIMEOUT 600 SKIP_RETURN_CODE ${CTEST_SKIPPED})
        endif()
    endforeach()
    if(TARGET agop_program)
        add_test(NAME ${T}valgrind.program COMMAND sh ${checks}/valgrind_program.sh $<TARGET_FILE:agop_program> ${memcheck}
                 WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
        set_tests_properties(${T}valgrind.program PROPERTIES LABELS valgrind TIMEOUT 600 ENVIRONMENT OMP_NUM_THREADS=1)
    endif()
endif()
