# A real PNG, twice as wide as the SVG.
command -v rsvg-convert >/dev/null || { echo 'rsvg-convert is not here'; exit 77; }
"$AGOP" fit "$DATA/mixed.train.csv" --target y -o m.agop -q
"$AGOP" features m.agop -o f.png
"$PYTHON" -c '
import struct
raw = open("f.png", "rb").read()
assert raw[:8] == b"\x89PNG\r\n\x1a\n" and raw[-8:-4] == b"IEND"
print(struct.unpack(">I", raw[16:20])[0])'
ls -A
