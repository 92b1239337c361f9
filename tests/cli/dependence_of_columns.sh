# Pairs as a table, as CSV, as JSON, as a matrix; targets; a second table; scaled otherwise; by permutation; what cannot be
# is told.
"$AGOP" ids "$DATA/mixed.test.csv" --pairs 6 -q
"$AGOP" ids "$DATA/mixed.test.csv" --target y -o pairs.csv -q
head -n 3 pairs.csv
"$AGOP" ids "$DATA/flowers.test.csv" --p-norm l2 --top 1 --json - -q | grep -c '"score"'
"$AGOP" ids "$DATA/flowers.test.csv" -o all.npy -q
"$AGOP" ids "$DATA/flowers.test.csv" "$DATA/flowers.test.csv" -o both.npy -q
"$PYTHON" -c "
import numpy as np
a, b = np.load('all.npy'), np.load('both.npy')
assert a.shape == b.shape and a.dtype == float and np.allclose(a, b, atol=1e-6) and np.allclose(np.diag(a), 1, atol=1e-5), a
assert np.array_equal(a, a.T) and a.min() >= 0
print(a.shape)"
for wrong in "-o pairs.txt" "--target kind second.csv" "--top 2 -o all.npy" "--compat --scale rank"; do
    "$AGOP" ids "$DATA/flowers.test.csv" $wrong -q 2>&1 && exit 1 || echo "exit $?"
done
"$AGOP" ids "$DATA/flowers.train.csv" --p-values -q
"$AGOP" ids "$DATA/mixed.train.csv" --fdr 0.05 -o told.csv -q
head -n 2 told.csv | sed 's/\.[0-9]*//g'
"$AGOP" ids "$DATA/flowers.test.csv" --compat --permutations 99 --pairs 3 -q
"$AGOP" ids "$DATA/flowers.test.csv" --permutations 99 --target kind -o told.csv -q
head -n 1 told.csv
