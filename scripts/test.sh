#!/bin/sh
# Everything that must hold, in one list: the release build with warnings as errors, the same tests again under the
# address, undefined-behaviour and leak sanitizers ("asan/..."), valgrind, and the static checks.
# The last line is "N passed, N failed, N skipped"; the exit status is 0 when none failed.
#
#   test.sh [ctest options]      e.g. test.sh -R csv, test.sh -L unit
set -eu
cd "$(dirname "$0")/.."
jobs=$(nproc)

# Warnings are errors in the release build only: gcc warns of what the sanitizers put in.
cmake -G Ninja -S . -B build-asan -DCMAKE_BUILD_TYPE=Debug "-DCMAKE_C_FLAGS_DEBUG=-O1 -g" -DAGOP_SANITIZE=ON \
    -DAGOP_TEST_PREFIX=asan/ --log-level=WARNING >/dev/null
cmake -G Ninja -S . -B build-test -DCMAKE_BUILD_TYPE=Release -DAGOP_WERROR=ON "-DAGOP_MORE_TESTS=$PWD/build-asan" \
    --log-level=WARNING >/dev/null
for folder in build-test build-asan; do
    echo "building $folder"
    cmake --build $folder --parallel "$jobs" -- --quiet
done

# Two threads each are enough to meet every parallel path, and tests run side by side.
# Waiting threads sleep, since the machine has others to run.
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-2}" OMP_WAIT_POLICY=passive
status=0
ctest --test-dir build-test --parallel "$jobs" --output-on-failure --no-tests=error \
    --output-junit "$PWD/build-test/results.xml" "$@" || status=$?

field() { sed -n "s/.*[[:space:]]$1=\"\([0-9]*\)\".*/\1/p" build-test/results.xml | head -n 1; }
all=$(field tests) failed=$(field failures) disabled=$(field disabled) skipped=$(field skipped)
skipped=$((skipped + disabled))
echo "$((all - failed - skipped)) passed, $failed failed, $skipped skipped"
exit $status
