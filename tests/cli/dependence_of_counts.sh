# Sparse inputs: Matrix Market, counts with genes in rows, words of a text; scaled, or not; what cannot be is told.
cat > m.mtx <<'EOF'
%%MatrixMarket matrix coordinate integer general
6 3 9
1 1 4
2 1 8
3 1 1
1 2 2
2 2 4
5 2 1
4 3 9
5 3 3
6 3 7
EOF
"$AGOP" ids m.mtx -q
"$AGOP" ids m.mtx --normalise 10 --log1p -o pairs.csv -q
head -n 1 pairs.csv
printf 'gene,c1,c2,c3,c4,c5\nG1,1,0,3,0,7\nG2,2,0,6,0,14\nG3,0,5,0,1,0\n' > counts.csv
"$AGOP" ids counts.csv --genes-in-rows -q
printf 'the cat sat\nthe dog sat\na cat and a dog\nthe cat\nno dog\n' > words.txt
"$AGOP" ids words.txt --text --min-rows 2 --pairs 2 -q
cp "$DATA/flowers.test.csv" .
"$AGOP" ids flowers.test.csv --log1p -q 2>&1 && exit 1 || echo "exit $?"
"$AGOP" ids m.mtx --layer counts -q 2>&1 && exit 1 || echo "exit $?"
printf '%%%%MatrixMarket matrix coordinate integer general\n2 2 5\n1 1 1\n' > short.mtx
"$AGOP" ids short.mtx -q 2>&1 && exit 1 || echo "exit $?"
