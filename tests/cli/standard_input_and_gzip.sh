# A pipe, a compressed file and a plain one are read alike.
"$AGOP" fit "$DATA/mixed.train.csv" --target y -o a.agop -q
"$AGOP" fit - --target y -o b.agop -q <"$DATA/mixed.train.csv"
gzip -c "$DATA/mixed.test.csv" >test.csv.gz
"$AGOP" predict a.agop "$DATA/mixed.test.csv" >a.csv
"$AGOP" predict b.agop - <test.csv.gz >b.csv
cmp a.csv b.csv
