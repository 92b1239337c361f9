#!/bin/sh
# Fit, predict and score a small table under valgrind, on the baseline arithmetic: valgrind does not know the
# newest vector instructions.
#   valgrind_program.sh PROGRAM VALGRIND OPTIONS...
set -eu
program=$1
shift
export OMP_WAIT_POLICY=passive # without it the program would start over, out of valgrind's sight
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
head -n 61 examples/data/diabetes.train.csv >"$folder/train.csv"
"$@" "$program" fit "$folder/train.csv" --target progression -o "$folder/model" --iters 2 --backend cpu:baseline -q
"$@" "$program" predict "$folder/model" "$folder/train.csv" -o "$folder/out.csv" --backend cpu:baseline -q
"$@" "$program" score "$folder/model" "$folder/train.csv" --backend cpu:baseline -q
[ "$(wc -l <"$folder/out.csv")" = 61 ]
