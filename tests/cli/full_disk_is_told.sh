# Every verb that writes to a disk without room says so.
"$AGOP" fit "$DATA/mixed.train.csv" --target y -o m.agop -q
code=0
"$AGOP" predict m.agop "$DATA/mixed.test.csv" >/dev/full || code=$?
"$AGOP" features m.agop -o - >/dev/full || code=$code$?
"$AGOP" score m.agop "$DATA/mixed.test.csv" --json /dev/full || code=$code$?
echo $code
