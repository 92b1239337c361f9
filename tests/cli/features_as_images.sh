# Pixels: one rectangle per cell and picture.
"$AGOP" fit "$EXAMPLES/digits.test.csv" --target digit -o m.agop -q --iters 1
"$AGOP" features m.agop -o f.svg --image-shape 8x8
"$PYTHON" -c '
import xml.etree.ElementTree as e
cells = [r for r in e.parse("f.svg").iter("{http://www.w3.org/2000/svg}rect") if r.get("fill", "").startswith("#")]
print(len(cells) - 4 * 64)' # less the colour scales
"$AGOP" features m.agop -o f.svg --image-shape 8x9
