#!/bin/sh
# Two real tables in under a minute: fit, judge on rows that were held out, see what was learned.
# Every command is shown as it could be typed. Results go to demo/.
set -eu
cd "$(dirname "$0")/.."
data=examples/data
mkdir -p demo
started=$(date +%s)

say() { printf '\n%s\n' "$*"; }
run() { # show the command as a user would type it, then run it quietly
    printf '\n  $ agop %s\n' "$*"
    build/agop "$@" -q | sed 's/^/  /'
}
# A picture as PNG, too, for those who cannot open an SVG.
png() { ! command -v rsvg-convert >/dev/null || rsvg-convert --zoom 2 "demo/$1.svg" -o "demo/$1.png"; }

echo "agop: kernel machines that learn which features matter"

say "1. Diabetes: 331 patients to learn from, ten measurements each. How far will the disease have
   progressed in a year? Judged on 111 patients the machine has not seen:"
run fit $data/diabetes.train.csv --target progression -o demo/diabetes.agop
run score demo/diabetes.agop $data/diabetes.test.csv

say "   What did it look at? The share of each measurement in the average gradient outer product:"
run features demo/diabetes.agop --top 5
run features demo/diabetes.agop -o demo/features.svg

say "2. Handwritten digits: 1347 images of 8 x 8 pixels to learn from, 450 to be judged by:"
run fit $data/digits.train.csv --target digit -o demo/digits.agop
run score demo/digits.agop $data/digits.test.csv
run features demo/digits.agop --image-shape 8x8 -o demo/digits.svg

png features
png digits
say "Done in $(($(date +%s) - started)) s. The pictures:"
for file in demo/features.svg demo/features.png demo/digits.svg demo/digits.png; do
    [ ! -s $file ] || echo "   $file"
done
echo "   models: demo/diabetes.agop, demo/digits.agop (try: build/agop info demo/digits.agop)"
