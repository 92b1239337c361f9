# What a person reads, on standard error; nothing with -q.
"$AGOP" fit "$DATA/mixed.train.csv" --target y -o m.agop
"$AGOP" fit "$DATA/mixed.train.csv" --target y -o m.agop -q
