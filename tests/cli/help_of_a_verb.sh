# `agop help VERB`, `agop VERB --help` and `-h` are one text, whatever else is on the line.
"$AGOP" help predict >a
"$AGOP" predict --help >b
"$AGOP" predict model --nonsense -h >c
cmp a b
cmp a c
head -n 1 a
grep -c -- '--memory' a
