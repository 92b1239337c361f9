# Ctrl-C during a fit: exit 130, and the best model so far can be used. A second one ends at once, with nothing left.
cat >run.py <<'END'
import os, random, signal, subprocess, sys, time
random.seed(1)
with open("big.csv", "w") as f:
    f.write(",".join("x%d" % j for j in range(30)) + ",y\n")
    for i in range(4000):
        x = [random.gauss(0, 1) for j in range(30)]
        f.write(",".join("%.4f" % v for v in x) + ",%.4f\n" % (x[0] * x[1] + random.gauss(0, .1)))
agop = sys.argv[1]
def start(model):
    return subprocess.Popen([agop, "fit", "big.csv", "--target", "y", "-o", model, "--iters", "1000", "--tune", "off",
                             "--early-stop", "1e9"], stderr=subprocess.PIPE)
p = start("m.agop")
time.sleep(float(sys.argv[2]))
p.send_signal(signal.SIGINT)
err = p.stderr.read().decode()
assert p.wait() == 130, (p.returncode, err)
assert "best model so far was written" in err.splitlines()[-1], err
assert subprocess.run([agop, "score", "m.agop", "big.csv"], capture_output=True).returncode == 0
p = start("second.agop")
time.sleep(float(sys.argv[2]))
p.send_signal(signal.SIGINT)
p.send_signal(signal.SIGTERM)
p.stderr.read()
assert p.wait() == 130, p.returncode
END
"$PYTHON" run.py "$AGOP" 8
ls -A
