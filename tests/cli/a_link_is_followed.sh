# The file it points at is replaced; the link stays.
ln -s real.csv link.csv
: >real.csv
"$AGOP" fit "$DATA/mixed.train.csv" --target y -o m.agop -q
"$AGOP" predict m.agop "$DATA/mixed.test.csv" -o link.csv
test -L link.csv
wc -l <real.csv
