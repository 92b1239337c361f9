# The closest value.
"$AGOP" fit data.csv --target y -o model --kernel gausian
