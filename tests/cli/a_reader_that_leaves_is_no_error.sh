# `| head` ends it without a word.
"$AGOP" fit "$DATA/mixed.train.csv" --target y -o m.agop -q
"$PYTHON" - "$AGOP" "$DATA/mixed.test.csv" <<'END'
import os, subprocess, sys
lines = open(sys.argv[2], encoding="utf-8").readlines()
with open("many.csv", "w", encoding="utf-8") as f:
    f.write(lines[0] + "".join(lines[1:]) * 1000)
p = subprocess.Popen([sys.argv[1], "predict", "m.agop", "many.csv"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
assert p.stdout.readline() == b"prediction\n"
p.stdout.close()
err = p.stderr.read()
assert err == b"" and p.wait() == 1, (err, p.returncode)
END
ls -A
