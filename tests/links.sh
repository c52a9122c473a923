#!/usr/bin/env bash
# The documents point at what is there: every relative link in a .md file resolves, and every example is listed. Needs no build.
set -euo pipefail
cd "$(dirname "$0")/.."
bad=0
while IFS= read -r file; do
  folder=$(dirname "$file")
  while IFS= read -r target; do
    target=${target%%#*}
    [ -z "$target" ] || [ -e "$folder/$target" ] || { echo "$file points at $target, which is not there"; bad=1; }
  done < <(sed '/^```/,/^```/d' "$file" | grep -oE '\]\([^) ]+\)' | sed -E 's/^\]\(//; s/\)$//' | grep -vE '^[a-z]+:' || true)
done < <(git ls-files '*.md')
for package in examples/*/; do
  name=$(basename "$package")
  grep -q "](${name})" examples/README.md || { echo "examples/README.md does not list $name"; bad=1; }
done
exit $bad
