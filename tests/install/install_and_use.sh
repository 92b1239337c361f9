#!/bin/sh
# Install into an empty prefix, then stand where a user stands: compile every example against what was installed,
# once by pkg-config and once by find_package, run it, and compare what it says with examples/NAME.expected.
#   install_and_use.sh BUILD CMAKE
set -eu
build=$1 cmake=$2
cd "$(dirname "$0")/../.."
root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$cmake" --install "$build" --prefix "$work/prefix" >/dev/null
# agop.pc names the prefix that was configured; this installation was moved.
pc=$(find "$work/prefix" -name agop.pc)
export PKG_CONFIG_PATH="${pc%/*}"
library=${pc%/pkgconfig/agop.pc}
flags="$(pkg-config --define-variable=prefix="$work/prefix" --define-variable=libdir="$library" \
    --define-variable=includedir="$work/prefix/include" --cflags --libs agop)"

"$cmake" -S "$root/tests/install" -B "$work/by_cmake" -DCMAKE_PREFIX_PATH="$work/prefix" -DEXAMPLES="$root/examples" >/dev/null
"$cmake" --build "$work/by_cmake" >/dev/null

ln -s "$root/examples/data" "$work/data"
count=0
for source in examples/*.c; do
    name=$(basename "$source" .c)
    # shellcheck disable=SC2086
    ${CC:-cc} -std=c11 -Wall -Wextra -Werror "$source" -o "$work/$name" $flags -lm "-Wl,-rpath,$library"
    arguments=
    [ ! -f "examples/$name.args" ] || arguments=$(cat "examples/$name.args")
    for program in "$work/$name" "$work/by_cmake/$name"; do
        # shellcheck disable=SC2086
        (cd "$work" && "$program" $arguments) >"$work/said"
        diff -u "examples/$name.expected" "$work/said"
        count=$((count + 1))
    done
done

# The installed program finds its library by itself, and every page of the manual came along.
if [ -x "$work/prefix/bin/agop" ]; then
    "$work/prefix/bin/agop" version
    for page in docs/man/*.scd; do
        [ ! -f "$page" ] || ! command -v scdoc >/dev/null || find "$work/prefix" -name "$(basename "$page" .scd)" | grep -q .
    done
fi
[ $count -ge 4 ] && echo "$count programs ran"
