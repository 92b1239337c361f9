# A closed standard output is an error, and never another file.
"$AGOP" fit "$DATA/mixed.train.csv" --target y -o m.agop -q
"$AGOP" predict m.agop "$DATA/mixed.test.csv" --json report.json >&-
