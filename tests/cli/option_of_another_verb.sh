# Whose option it is.
"$AGOP" predict model data.csv --ridge 1
