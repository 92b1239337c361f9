#!/bin/sh
# Seek new inputs for every fuzz target: fuzz.sh [SECONDS each, default 60] [TARGET...]
# Inputs that reach new code go to build-fuzz/corpus/; a crash is left in build-fuzz/ and named. To keep an input, copy
# it to tests/fuzz/corpus/<target>/, where every build replays it.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-60}
[ $# -eq 0 ] || shift
clang=$(ls /usr/bin/clang-[0-9][0-9] /usr/bin/clang 2>/dev/null | head -n 1)
[ -n "$clang" ] || { echo "fuzz: clang is not there" >&2; exit 1; }

cmake -G Ninja -S . -B build-fuzz -DCMAKE_C_COMPILER="$clang" -DCMAKE_BUILD_TYPE=Debug "-DCMAKE_C_FLAGS_DEBUG=-O1 -g" \
    -DAGOP_FUZZ=ON -DAGOP_SANITIZE=ON --log-level=WARNING >/dev/null
[ $# -gt 0 ] || set -- $(ls tests/fuzz/fuzz_*.c | sed 's|.*/fuzz_||; s|\.c$||')
for target in "$@"; do
    cmake --build build-fuzz --target "fuzz_$target"
done

# The leak checker knows OpenMP's and OpenBLAS's buffers; one huge allocation is a finding.
export LSAN_OPTIONS="suppressions=$PWD/tests/checks/lsan.supp:print_suppressions=0"
for target in "$@"; do
    mkdir -p "build-fuzz/corpus/$target"
    echo "fuzz: $target, $seconds s"
    (cd build-fuzz && tests/"fuzz_$target" -max_total_time="$seconds" -rss_limit_mb=2048 -print_final_stats=0 -verbosity=1 \
        -artifact_prefix="$target-" "corpus/$target" "../tests/fuzz/corpus/$target" 2>"$target.log") || {
        tail -n 40 "build-fuzz/$target.log"
        exit 1
    }
    grep -E 'Done|cov:' "build-fuzz/$target.log" | tail -n 1
done
