# Without arguments, with help and with --help: the same overview.
"$AGOP" >plain
"$AGOP" help >help
"$AGOP" --help >dashes
cmp plain help
cmp plain dashes
cat plain
