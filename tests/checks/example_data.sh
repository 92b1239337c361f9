#!/bin/sh
# The example tables are what their script writes, to the byte. Needs scikit-learn; skipped without it.
set -eu
cd "$(dirname "$0")/../.."
python=${1:-python3}
"$python" -c 'import sklearn' 2>/dev/null || { echo "scikit-learn is not there"; exit 77; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$python" examples/data/export.py "$folder"
for file in "$folder"/*.csv; do
    cmp "$file" "examples/data/$(basename "$file")"
done
