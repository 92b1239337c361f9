# Run at every build: the commit that is being compiled, "-dirty" when files differ from it, and the compiler.
find_program(GIT git)
set(COMMIT "v${VERSION}")
if(GIT AND EXISTS "${SOURCE}/.git")
    execute_process(COMMAND "${GIT}" -c "safe.directory=*" describe --always --dirty --tags
                    WORKING_DIRECTORY "${SOURCE}" OUTPUT_VARIABLE described RESULT_VARIABLE failed
                    OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    if(NOT failed)
        set(COMMIT "${described}")
    endif()
endif()
configure_file("${TEMPLATE}" "${OUTPUT}" @ONLY)
