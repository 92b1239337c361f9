# To the bit.
for m in a b; do "$AGOP" fit "$DATA/mixed.train.csv" --target y -o $m.agop -q --seed 3 --threads 1; done
for m in a b; do "$AGOP" predict $m.agop "$DATA/mixed.test.csv" >$m.csv; done
cmp a.csv b.csv
