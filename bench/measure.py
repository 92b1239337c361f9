#!/usr/bin/python3
"""measure.py RUNS NAME RESULTS.csv COMMAND...: the median time of RUNS, and the most memory, of a command."""
import csv
import os
import statistics
import subprocess
import sys
import time


def once(command):
    started = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit("%s: exit status %d" % (" ".join(command), child.returncode))
    return time.perf_counter() - started, usage.ru_maxrss / 1024, usage.ru_utime + usage.ru_stime


def main():
    runs, name, results, command = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4:]
    seen = [once(command) for _ in range(runs)]
    seconds, peak = statistics.median(s[0] for s in seen), max(s[1] for s in seen)
    cpu = statistics.median(s[2] for s in seen)
    print("%-16s %8.2f s %9.0f MB peak %8.2f s of CPU   (median of %d)" % (name, seconds, peak, cpu, runs), flush=True)
    with open(results, "a", newline="") as f:
        csv.writer(f).writerow([name, "%.3f" % seconds, "%.0f" % peak, "%.3f" % cpu, runs])


if __name__ == "__main__":
    main()
