"""Whole processes, run and counted; the machine in words; the throw-away environment of the peers.

What bench.py and accuracy/accuracy.py share. Whoever imports this stays small, because the system counts the memory of
whoever starts a program as that program's.
"""
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from typing import NamedTuple

TICKS = os.sysconf("SC_CLK_TCK")


class Failed(Exception):
    pass


class Ran(NamedTuple):
    seconds: float
    peak_mb: float
    cpu: float     # seconds of processors that it used
    others: float  # those that all others used meanwhile


def interruptible():
    """Both ways of being told to end raise KeyboardInterrupt, and run() takes its program along; a study that a shell
    started in the background would ignore the first."""
    for which in (signal.SIGINT, signal.SIGTERM):
        signal.signal(which, signal.default_int_handler)


# ---- one process ----

def busy():
    """Seconds that the processors have worked, or could not because the host gave them to somebody else."""
    with open("/proc/stat") as f:
        user, nice, system, _, _, irq, softirq, steal = [int(x) for x in f.readline().split()[1:9]]
    return (user + nice + system + irq + softirq + steal) / TICKS


def last_words(output, begin, status):
    output.seek(begin)
    said = [line.strip() for line in output.read().splitlines() if line.strip()] or ["nothing said"]
    if status == -signal.SIGKILL:
        return "killed by the system, as when memory runs out"
    return "failed: " + re.sub(r"(/[^\s/:]+)+/", "", said[-1])[:120] # a document has no folders of ours


def run(command, limit, log, environment=None):
    """What one command took, as the system counts it."""
    with open(log, "a+") as output:
        begin = output.seek(0, os.SEEK_END)
        started, worked = time.perf_counter(), busy()
        child = subprocess.Popen(shlex.split(command), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                 start_new_session=True, env=environment)
        late = threading.Event()
        timer = threading.Timer(limit, lambda: (late.set(), os.killpg(child.pid, signal.SIGKILL)))
        timer.start()
        try:
            _, status, usage = os.wait4(child.pid, 0)
        except BaseException:
            os.killpg(child.pid, signal.SIGKILL)
            raise
        finally:
            timer.cancel()
        seconds, worked = time.perf_counter() - started, busy() - worked
        child.returncode = os.waitstatus_to_exitcode(status)
        if late.is_set():
            raise Failed("longer than %d s" % limit)
        if child.returncode:
            raise Failed(last_words(output, begin, child.returncode))
    cpu = usage.ru_utime + usage.ru_stime
    return Ran(seconds, usage.ru_maxrss / 1024, cpu, max(0.0, worked - cpu))


def answer_of(*command):
    """What one of our scripts prints, or None."""
    done = subprocess.run([sys.executable, *command], stdout=subprocess.PIPE, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


# ---- what is needed before ----

def peers_python(folder, packages):
    """The Python of the throw-away environment FOLDER/peers; made where it is missing."""
    python = os.path.join(folder, "peers", "bin", "python")
    done = os.path.join(folder, "peers", "complete")
    if not os.path.exists(done):
        print("bench: installing the peers, some gigabytes", file=sys.stderr, flush=True)
        shutil.rmtree(os.path.dirname(done), ignore_errors=True)
        log = os.path.join(folder, "peers.log")
        with open(log, "w") as f:
            steps = [[sys.executable, "-m", "venv", os.path.dirname(done)]]
            steps += [[python, "-m", "pip", "install", "-q", *packages]]
            ok = all(subprocess.run(s, stdout=f, stderr=f, check=False).returncode == 0 for s in steps)
        if ok:
            open(done, "w").close()
        else:
            print("bench: the peers could not be installed, see %s" % log, file=sys.stderr)
    return python


def installed(python, modules):
    def has(module):
        try:
            return subprocess.run([python, "-c", "import " + module], stderr=subprocess.DEVNULL,
                                  check=False).returncode == 0
        except OSError:
            return False
    return {module for module in modules if has(module)}


def machine_in_words(agop):
    """The computer, without its name."""
    def first(path, start):
        with open(path) as f:
            return next((line.split(":", 1)[1].strip() for line in f if line.startswith(start)), "?")
    build = subprocess.run([agop, "version", "--build"], stdout=subprocess.PIPE, text=True, check=False).stdout
    facts = dict(line.split(": ", 1) for line in build.splitlines() if ": " in line)
    blas = subprocess.run(["pkg-config", "--modversion", "openblas"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True, check=False).stdout.strip()
    return {"cpu": first("/proc/cpuinfo", "model name"), "cores": len(os.sched_getaffinity(0)),
            "gb": round(int(first("/proc/meminfo", "MemTotal").split()[0]) / 2**20),
            "blas": (facts.get("blas", "?") + " " + blas).strip(), "compiler": facts.get("compiler", "?"),
            "version": facts.get("version", "?"), "commit": facts.get("commit", "?")}
