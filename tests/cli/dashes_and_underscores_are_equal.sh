# Any spelling, with a space or an equals sign; flags and their opposites.
fit() { "$AGOP" fit "$DATA/mixed.train.csv" --target y -q -o "$@"; }
fit a.agop --centre-gradients --scale-target none --iters 1
fit b.agop --centre_gradients=true --scale_target=none --iters=1
fit c.agop --iters=1 --scale-target=none
fit d.agop --iters 1 --no-centre-gradients --scale_target none
for m in a b c d; do "$AGOP" predict $m.agop "$DATA/mixed.test.csv" -o $m.csv; done
cmp a.csv b.csv
cmp c.csv d.csv
! cmp -s a.csv c.csv
