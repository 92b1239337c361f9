#!/bin/sh
# The public header, alone, under harsher warnings than our own, in every language a user may include it from.
#   header.sh            check include/agop/agop.h
#   header.sh --trip     prove that a header with faults is noticed
set -u
cd "$(dirname "$0")/../.." || exit 1
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
failed=0
compiled=0

compile() { # compiler language standard warnings...
    compiler=$1 language=$2 standard=$3
    shift 3
    command -v "$compiler" >/dev/null || return 0
    compiled=$((compiled + 1))
    if ! "$compiler" -x "$language" -std="$standard" -I"$include" -fsyntax-only "$@" -Werror "$folder/alone"; then
        echo "agop.h is not clean: $compiler -std=$standard"
        failed=1
    fi
}

check() {
    printf '#include <agop/agop.h>\n#include <agop/agop.h>\n' >"$folder/alone" # twice: the guard works
    for standard in c99 c11 c17; do
        compile gcc c $standard -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wc++-compat -Wstrict-prototypes \
            -Wmissing-prototypes -Wundef -Wcast-qual
        compile "$clang" c $standard -Weverything -Wno-padded -Wno-declaration-after-statement -Wno-poison-system-directories
    done
    for standard in c++14 c++20; do
        compile g++ c++ $standard -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wold-style-cast -Wundef
        compile "$clang" c++ $standard -Weverything -Wno-padded -Wno-c++98-compat -Wno-c++98-compat-pedantic
    done
}

clang=$(ls /usr/bin/clang-[0-9][0-9] 2>/dev/null | tail -n 1)
clang=${clang:-clang}
include=include
if [ "${1:-}" = --trip ]; then
    include=$folder/include
    mkdir -p "$include/agop"
    printf 'int f();\nstatic int unused(int class) { int x = 1L; return class; }\n' >"$include/agop/agop.h"
    check 2>/dev/null >/dev/null
    [ $failed = 1 ] && echo "a faulty header is noticed"
    exit $((1 - failed))
fi
check
echo "$compiled compilations"
[ $compiled -gt 0 ] || exit 77
exit $failed
