# For machines.
"$AGOP" version --json - | "$PYTHON" -c 'import json, sys; print(sorted(json.load(sys.stdin))[-1])'
