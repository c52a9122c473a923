#!/usr/bin/env bash
# The crash harness on the real server: 60 kills, a lying disk that must be found out, rot in the middle of the log, a
# full disk. `SEED=7 tests/crash/run.sh` repeats the choices of a run.
set -euo pipefail
cd "$(dirname "$0")/../.."
[ -n "${ROCKSDB_LIB_DIR:-}" ] || eval "$(./x env)"
target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target/crash"

# Two servers: the one that people run, and one that can end itself at a named step. They share everything that is
# compiled but three crates; the second build puts the usual binary back in its place.
cargo build --quiet -p rcd --features failpoints
cp --remove-destination "$target/debug/rcd" "$target/crash/rcd-failpoints"
cargo build --quiet -p rcd -p crash-test
cp --remove-destination "$target/debug/rcd" "$target/crash/rcd"
run() {
  timeout --kill-after=5 300 "$target/debug/crash-test" "$@" --seed "${SEED:-1}" --package tests/crash/package \
    --rcd "$target/crash/rcd" --rcd-failpoints "$target/crash/rcd-failpoints"
}

run kills --kills 60
run damage
run full-disk

# A harness that cannot fail shows nothing: on a disk that loses acknowledged writes it must say that payments are lost.
output=$target/crash/lying.txt
code=0
run lying >"$output" 2>&1 || code=$?
if [ "$code" != 3 ] || ! grep -q 'VIOLATION: .*acknowledged payments are lost\|VIOLATION: .*seen events are lost' "$output"; then
  cat "$output"
  echo "the harness did not notice a disk that loses acknowledged payments (exit code $code)"
  exit 1
fi
grep VIOLATION "$output" | cut -c 1-160
rm -rf "${TMPDIR:-/tmp}"/re-current-crash-lying-*
echo "lying: the loss was found, as it must be"
