#!/bin/sh
# cppcheck at zero over src/ and cli/: warnings and portability; style is for reviewers.
#   cppcheck.sh          check
#   cppcheck.sh --trip   prove that a fault is noticed
set -u
cd "$(dirname "$0")/../.." || exit 1
command -v cppcheck >/dev/null || { echo "cppcheck is not there"; exit 77; }

# --check-level does not exist before 2.11, so nothing version-dependent is asked for.
run() {
    cppcheck -q -j 2 --std=c11 --language=c --enable=warning,portability --inline-suppr --error-exitcode=1 \
        --suppress=missingInclude --suppress=missingIncludeSystem --suppress=unmatchedSuppression \
        --suppress=preprocessorErrorDirective -Iinclude -Isrc -D_GNU_SOURCE -D__x86_64__ "$@"
}

if [ "${1:-}" = --trip ]; then
    folder=$(mktemp -d) || exit 1
    trap 'rm -rf "$folder"' EXIT
    printf 'int f(void);\nint f(void)\n{\n    int a[2] = {1, 2};\n    return a[2];\n}\n' >"$folder/fault.c"
    run "$folder/fault.c" 2>"$folder/log" && exit 1
    grep -q arrayIndexOutOfBounds "$folder/log" || exit 1
    echo "a fault is noticed"
    exit 0
fi
run src cli && exit 0
# Zero is held for version 2.10; what a later one adds is for reading.
case $(cppcheck --version) in *\ 2.10*) exit 1 ;; *) exit 77 ;; esac
