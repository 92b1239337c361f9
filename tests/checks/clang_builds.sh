#!/bin/sh
# The library and the program compile without a warning under clang, too.
set -u
cd "$(dirname "$0")/../.." || exit 1
clang=$(ls /usr/bin/clang-[0-9][0-9] /usr/bin/clang 2>/dev/null | head -n 1)
[ -n "$clang" ] || { echo "clang is not there"; exit 77; }
# clang's own omp.h is a package apart; without it the backend is compiled for one thread, which must work, too
openmp=
echo '#include <omp.h>' | "$clang" -fopenmp -fsyntax-only -x c - 2>/dev/null && openmp=-fopenmp
failed=0
for file in src/*/*.c src/*/*/*.c cli/*.c; do
    [ -f "$file" ] || continue
    case $file in src/backend/*) more="$openmp -I/usr/include/$(gcc -print-multiarch)/openblas-openmp" ;; *) more= ;; esac
    # shellcheck disable=SC2086
    "$clang" -std=c11 -D_GNU_SOURCE -O1 -fsyntax-only -Iinclude -Isrc -Icli "-I$1/generated" $more -Wall -Wextra \
        -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wswitch -Wvla -Werror "$file" || failed=1
done
exit $failed
