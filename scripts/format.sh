#!/bin/sh
# Which files clang-format would change; format.sh FILE... changes those. It proposes, a reader decides: tables and
# formulas that were laid out by hand are better left alone. What must hold is in tests/checks/layout.py.
set -u
cd "$(dirname "$0")/.." || exit 1
tool=$(ls /usr/bin/clang-format-[0-9][0-9] /usr/bin/clang-format 2>/dev/null | head -n 1)
[ -n "$tool" ] || { echo "clang-format is not there" >&2; exit 1; }
if [ $# -gt 0 ]; then
    exec "$tool" -i "$@"
fi
for file in include/agop/*.h src/*/*.[ch] src/*/*/*.[ch] cli/*.[ch] examples/*.c tests/*/*.[ch]; do
    [ ! -f "$file" ] || "$tool" "$file" | cmp -s - "$file" || echo "$file"
done
