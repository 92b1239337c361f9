# One way to judge.
"$AGOP" fit "$DATA/mixed.train.csv" --target y -o m.agop --valid "$DATA/mixed.test.csv" --holdout 0.2
