# The closest column.
"$AGOP" fit "$EXAMPLES/diabetes.train.csv" --target progresion -o model -q
