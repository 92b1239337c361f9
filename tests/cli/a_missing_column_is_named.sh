# At predict.
"$AGOP" fit "$DATA/mixed.train.csv" --target y -o m.agop -q
cut -d , -f 2- "$DATA/mixed.test.csv" >less.csv
"$AGOP" predict m.agop less.csv
