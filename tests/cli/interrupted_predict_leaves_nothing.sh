# No half of a file under the final name, and no other either.
"$AGOP" fit "$DATA/mixed.train.csv" --target y -o m.agop -q
cat >run.py <<'END'
import signal, subprocess, sys, time
lines = open(sys.argv[2], encoding="utf-8").readlines()
p = subprocess.Popen([sys.argv[1], "predict", "m.agop", "-", "-o", "out.csv"], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
p.stdin.write((lines[0] + "".join(lines[1:]) * 2000).encode())
p.stdin.flush()
time.sleep(1)
p.send_signal(signal.SIGINT)
p.stdin.write("".join(lines[1:]).encode() * 2000)
p.stdin.close()
err = p.stderr.read().decode()
assert p.wait() == 130 and err == "agop predict: interrupted: nothing was written\n", (p.returncode, err)
END
"$PYTHON" run.py "$AGOP" "$DATA/mixed.test.csv"
ls -A
