# In a log: whole lines without carriage returns, and a note about what was chosen.
"$AGOP" fit "$EXAMPLES/digits.test.csv" --target digit -o m.agop --iters 1 2>log
if grep -q "$(printf '\r')" log; then exit 1; fi
grep -c 'agop fit: ' log | awk -v n="$(wc -l <log)" '{print ($1 == n)}'
grep -o 'note: target .digit. holds 10 distinct' log
