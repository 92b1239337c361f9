# The columns that matter come first; the noise column last.
"$AGOP" fit "$DATA/mixed.train.csv" --target y -o m.agop -q
"$AGOP" features m.agop >table
awk '{print $1}' table | sort | tr '\n' ' '
tail -n 1 table | cut -d ' ' -f 1
"$AGOP" features m.agop --top 1 | tail -n 1
