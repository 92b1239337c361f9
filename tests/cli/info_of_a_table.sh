# Types, missing cells, ranges and levels.
"$AGOP" info "$DATA/mixed.test.csv" | sed "s,$DATA/,,"
