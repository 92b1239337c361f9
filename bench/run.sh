#!/bin/sh
# Time the program on generated data; see README.md. run.sh [machine|fit|quick|predict|read]...
set -eu
cd "$(dirname "$0")/.."
agop=${AGOP:-build/agop}
runs=${RUNS:-3}
folder=build/bench
python=/usr/bin/python3
[ -x $python ] || python=python3
$python -c 'import numpy, scipy' 2>/dev/null || { echo "bench: needs NumPy and SciPy (apt-get install python3-numpy python3-scipy)" >&2; exit 1; }
mkdir -p "$folder"
[ $# -gt 0 ] || set -- machine fit quick predict read

{
    echo "# $(date -u +%Y-%m-%dT%H:%MZ) $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores"
    "$agop" version --build | sed 's/^/# /'
} | tee "$folder/results.csv"
echo "case,seconds,peak_mb,cpu_seconds,runs" >>"$folder/results.csv"

make_once() { # rows cols seed file
    [ -s "$4" ] || $python bench/generate.py "$1" "$2" "$3" "$4"
}

for case in "$@"; do
    case $case in
    machine)
        $python bench/machine.py "$runs" $folder/results.csv
        ;;
    quick)
        make_once 10000 100 1 $folder/r10k100.csv
        $python bench/measure.py "$runs" "quick r10k100" $folder/results.csv "$agop" fit $folder/r10k100.csv --target y \
            -o $folder/quick.agop -q
        ;;
    fit)
        make_once 10000 100 1 $folder/r10k100.csv
        $python bench/measure.py "$runs" "fit r10k100" $folder/results.csv "$agop" fit $folder/r10k100.csv --target y \
            -o $folder/r10k100.agop --tune off --iters 5 --bandwidth 10 --ridge 1e-3 --select last -q
        ;;
    predict)
        make_once 10000 20 2 $folder/r10k20.csv
        make_once 1000000 20 3 $folder/new.npy
        [ -s $folder/r10k20.agop ] || "$agop" fit $folder/r10k20.csv --target y -o $folder/r10k20.agop --tune off \
            --iters 1 --select last -q
        $python bench/measure.py "$runs" "predict 1Mx20" $folder/results.csv "$agop" predict $folder/r10k20.agop \
            $folder/new.npy -o $folder/answers.csv -q
        ;;
    read)
        make_once 5000000 20 4 $folder/long.csv
        $python bench/measure.py "$runs" "read 5Mx20 csv" $folder/results.csv "$agop" info $folder/long.csv -q
        ls -l $folder/long.csv | awk '{printf "%-16s %8.0f MB\n", "  that file", $5 / 1e6}'
        ;;
    *) echo "bench: no case $case: machine, fit, quick, predict, read" >&2; exit 2 ;;
    esac
done
