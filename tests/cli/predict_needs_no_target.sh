# Rows to predict may lack the target, have more columns, and have them in another order.
"$AGOP" fit "$DATA/mixed.train.csv" --target y -o m.agop -q
"$AGOP" predict m.agop "$DATA/mixed.test.csv" >a.csv
"$PYTHON" - "$DATA/mixed.test.csv" <<'END'
import csv, sys
rows = list(csv.reader(open(sys.argv[1], encoding="utf-8")))
with open("turned.csv", "w", encoding="utf-8", newline="") as f:
    csv.writer(f).writerows([["more"] + r[:4][::-1] if i == 0 else ["7"] + r[:4][::-1] for i, r in enumerate(rows)])
END
"$AGOP" predict m.agop turned.csv >b.csv
cmp a.csv b.csv
