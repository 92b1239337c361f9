# Also by another name.
cp "$DATA/mixed.train.csv" data.csv
ln data.csv same.csv
"$AGOP" fit data.csv --target y -o same.csv
