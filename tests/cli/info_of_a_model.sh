# Told apart by content: the name does not matter.
"$AGOP" fit "$DATA/mixed.train.csv" --target y -o model.csv -q
"$AGOP" info model.csv >text
grep -c -e '^task  *regression' -e '^columns  *4' -e '^targets  *y' -e '^  ridge ' -e '[0-9]  best$' text
"$AGOP" info model.csv --json - | "$PYTHON" -c 'import json, sys; print(json.load(sys.stdin)["n"])'
