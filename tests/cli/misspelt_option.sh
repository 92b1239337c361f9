# The closest option.
"$AGOP" fit data.csv --target y -o model --rigde 1e-3
