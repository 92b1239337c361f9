# A table in a file instead of in memory, a tree over it: the same model, and nothing is left in the folder.
mkdir cache
"$PYTHON" - <<'END'
import numpy as np
r = np.random.RandomState(0)
X = np.round(r.randn(4000, 4), 3)
towns = ["Ulm", "Wien", "", "Bern"]
with open("big.csv", "w") as f:
    f.write("a,b,c,d,town,y\n")
    for i, x in enumerate(X):
        cells = ["" if r.rand() < .03 else repr(v) for v in x] + [towns[i % 4], repr(x[0] * x[1] + (i % 4))]
        f.write(",".join(cells) + "\n")
np.save("small.npy", r.randint(-100, 100, (3000, 5)).astype("i1"))
END
for data in big.csv:y small.npy:4; do
    file=${data%:*} target=${data#*:}
    "$AGOP" fit $file --target $target --task regression --leaf-size 1000 --threads 2 -o memory.agop -q
    "$AGOP" fit $file --target $target --task regression --leaf-size 1000 --threads 2 --cache cache -o file.agop -q
    "$PYTHON" - <<'END'
import json, re, struct
def model(path):
    raw = open(path, "rb").read()
    end = 8 + struct.unpack("<Q", raw[:8])[0]
    seconds = re.compile(r'\\?"(seconds\w*|peak_bytes)\\?": ?[0-9.e+-]+')
    return seconds.sub("", raw[8:end].decode()).rstrip(), raw[end:]
a, b = model("memory.agop"), model("file.agop")
assert len(a[1]) == len(b[1]) and a[1] == b[1], "the tensors differ"
assert a[0] == b[0], "the reports differ"
END
    "$AGOP" predict memory.agop $file -o a.csv -q
    "$AGOP" predict file.agop $file --cache cache -o b.csv -q
    cmp a.csv b.csv
done
ls -A cache
"$AGOP" info big.csv --cache nowhere || echo $?
