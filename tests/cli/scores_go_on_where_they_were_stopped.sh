# --resume: killed anywhere and asked once more, ids tells the pairs of a run that was not; then the file goes.
# (Stopped by a timeout in the foreground, which waits until the program is gone and its lock free.)
"$PYTHON" - <<'END'
import random
random.seed(1)
with open("big.csv", "w") as f:
    f.write(",".join("x%d" % j for j in range(300)) + "\n")
    for i in range(200):
        z = random.gauss(0, 1)
        f.write(",".join("%.3f" % (random.gauss(0, 1) + (j % 9 == 0) * z * z) for j in range(300)) + "\n")
END
for how in "--top 4 --p-values" "--min-score .2" "--measure pearson --top 3"; do
    ids="ids big.csv --pairs 400 -q $how"
    "$AGOP" $ids -o whole.csv
    for seconds in 0.2 0.4; do
        { timeout --foreground -s KILL $seconds "$AGOP" $ids -o pairs.csv --resume state || true; } 2>/dev/null
    done
    "$AGOP" $ids -o pairs.csv --resume state
    test ! -e state
    cmp whole.csv pairs.csv
    rm -f pairs.csv
done
# another name of the same file stays, and holds a run that is done
touch state
ln state done
"$AGOP" ids big.csv -q -o whole.npy --resume state
cp done again
"$AGOP" ids big.csv -q -o again.npy --resume again
cmp whole.npy again.npy
sed '2s|^[^,]*|7|' big.csv >other.csv
"$AGOP" ids other.csv -q -o other.npy --resume done 2>&1 && exit 1 || echo "exit $?"
"$AGOP" ids big.csv -q -o state.npy --resume state.npy 2>&1 && exit 1 || echo "exit $?"
