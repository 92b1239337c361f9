# What fit never saw is counted over the whole table, in one note of each kind, however many blocks of rows there are.
"$PYTHON" - <<'END'
with open("t.csv", "w") as f:
    f.write("a,c,y\n" + "".join("%d,%s,%d\n" % (i, "uvw"[i % 3], i * i) for i in range(40)))
with open("new.csv", "w") as f:
    f.write("a,c\n" + "".join("%s,%s\n" % ("" if i % 1000 == 0 else i % 40, "?!" if i % 2000 == 0 else "u") for i in range(40000)))
END
"$AGOP" fit t.csv --target y --task regression -o m.agop -q
"$AGOP" predict m.agop new.csv -o out.csv
wc -l <out.csv
