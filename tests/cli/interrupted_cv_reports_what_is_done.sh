# Ctrl-C during a cross-validation: exit 130, and the folds that are done are reported, to the file as well.
cat >run.py <<'END'
import json, random, signal, subprocess, sys, time
random.seed(1)
with open("some.csv", "w") as f:
    f.write("a,b,y\n")
    for i in range(120):
        a, b = random.gauss(0, 1), random.gauss(0, 1)
        f.write("%.4f,%.4f,%.4f\n" % (a, b, a * b + random.gauss(0, .1)))
p = subprocess.Popen([sys.argv[1], "cv", "some.csv", "--target", "y", "--repeats", "1000", "--json", "report.json",
                      "--threads", "1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
time.sleep(float(sys.argv[2]))
p.send_signal(signal.SIGINT)
out, err = p.communicate()
assert p.returncode == 130, (p.returncode, err)
assert b"the folds that were done are reported" in err.splitlines()[-1], err
report = json.load(open("report.json"))
assert report["stopped"] == "by the caller" and 0 < report["fits_done"] == len(report["fits"]) < 5000
assert out.splitlines()[1].startswith(b"r2 "), out
END
"$PYTHON" run.py "$AGOP" 10
# The time limit ends it in the same way, but that is no failure.
"$AGOP" cv some.csv --target y --folds 20 --repeats 1000 --time-limit 4s --json - >late.json 2>told
grep -q '"by the time limit"' late.json
