#!/bin/sh
# What libagop.so exports is what include/agop/symbols.txt lists: no accidental API, and none lost.
#   symbols.sh LIBRARY            compare
#   symbols.sh --update LIBRARY   accept what the library has
#   symbols.sh --trip LIBRARY     prove that a missing and an added name are noticed
set -u
cd "$(dirname "$0")/../.." || exit 1
listed=include/agop/symbols.txt

exported() { nm -D --defined-only "$1" | awk '$2 ~ /^[A-Z]$/ && $3 !~ /^_(init|fini)$/ { sub(/@.*/, "", $3); print $3 }' | LC_ALL=C sort; }

same() { # file library
    exported "$2" | diff -u "$1" - && [ -s "$1" ]
}

case $1 in
--update) exported "$2" >$listed ;;
--trip)
    scratch=$(mktemp) || exit 1
    trap 'rm -f "$scratch"' EXIT
    exported "$2" | tail -n +2 >"$scratch"
    same "$scratch" "$2" >/dev/null && exit 1
    { exported "$2"; echo zzz_not_there; } >"$scratch"
    same "$scratch" "$2" >/dev/null && exit 1
    echo "both are noticed"
    ;;
*) same $listed "$1" && echo "$(wc -l <$listed) symbols" ;;
esac
