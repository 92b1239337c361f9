#!/bin/sh
# Which files clang-format would change. A report: the exit status is 0 unless --strict is given.
set -u
cd "$(dirname "$0")/../.." || exit 1
tool=$(ls /usr/bin/clang-format-[0-9][0-9] /usr/bin/clang-format 2>/dev/null | head -n 1)
[ -n "$tool" ] || { echo "clang-format is not there"; exit 77; }
changed=0
for file in include/agop/*.h src/*/*.[ch] src/*/*/*.[ch] cli/*.[ch] examples/*.c tests/*/*.[ch]; do
    [ -f "$file" ] || continue
    "$tool" "$file" | cmp -s - "$file" || { echo "$file"; changed=$((changed + 1)); }
done
echo "$changed files would change"
[ "${1:-}" != --strict ] || [ $changed = 0 ]
