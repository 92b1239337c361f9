# A bad row at the end of the data: the answers of before are still there, and nothing else is.
"$AGOP" fit "$DATA/mixed.train.csv" --target y -o m.agop -q
cp "$DATA/mixed.test.csv" bad.csv
echo '1,2,3,Oslo,4,5,6' >>bad.csv
echo old >out.csv
code=0
"$AGOP" predict m.agop bad.csv -o out.csv || code=$?
cat out.csv
ls -A
exit $code
