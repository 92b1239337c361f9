# Nor is anything begun.
mkdir there
"$AGOP" fit "$DATA/mixed.train.csv" --target y -o there
