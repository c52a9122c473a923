#!/usr/bin/env bash
# The recorded block log: power is cut under the real server at many moments of a recorded life, on a disk that keeps, loses,
# tears and reorders what was not flushed; then the same with a server that syncs nothing, which must be found out.
# `SEED=7 CUTS=500 tests/blocklog/run.sh` looks elsewhere and longer.
set -euo pipefail
cd "$(dirname "$0")/../.."

folder=
clean() {
  if [ -n "$folder" ]; then
    # The mounts were in a namespace that has ended; what is left in the folder is kept only after a failure.
    [ "${1:-1}" = 0 ] && rm -rf "$folder"
    folder=
  fi
}
trap 'clean $?' EXIT

skip() {
  echo "skipped: $*"
  exit 0
}
[ "$(id -u)" = 0 ] || skip "the recorded block log needs root, to mount"
[ -c /dev/fuse ] || skip "/dev/fuse is missing"
(: <>/dev/fuse) 2>/dev/null || skip "/dev/fuse cannot be opened"
for program in mkfs.ext4 mount umount losetup unshare setpriv; do
  command -v "$program" >/dev/null || skip "$program is missing"
done
unshare --mount true 2>/dev/null || skip "no mount namespace of its own is given here"
folder=$(mktemp -d "${TMPDIR:-/tmp}/re-current-blocklog-XXXXXX")
truncate -s 8M "$folder/probe"
mkfs.ext4 -q -F "$folder/probe" || skip "mkfs.ext4 fails here"
mkdir "$folder/probed"
unshare --mount --propagation private mount -t ext4 -o loop "$folder/probe" "$folder/probed" 2>"$folder/said" ||
  skip "an ext4 cannot be mounted from a file here: $(cat "$folder/said")"

[ -n "${ROCKSDB_LIB_DIR:-}" ] || eval "$(./x env)"
target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target/crash"
cargo build --quiet -p rcd --features failpoints
cp --remove-destination "$target/debug/rcd" "$target/crash/rcd-failpoints"
cargo build --quiet -p rcd -p crash-test -p blocklog-test
cp --remove-destination "$target/debug/rcd" "$target/crash/rcd"

# All mounts are made in a namespace that nobody else sees; with its last process they and their loop devices are gone.
run() {
  word=$1
  shift
  mkdir -p "$folder/$word"
  unshare --mount --propagation private timeout --kill-after=5 300 setpriv --pdeathsig KILL -- \
    "$target/debug/blocklog-test" "$word" --folder "$folder/$word" --package tests/crash/package --seed "${SEED:-1}" "$@"
}

run honest --rcd "$target/crash/rcd" --cuts "${CUTS:-80}"

# A harness that cannot fail shows nothing: of a server that syncs nothing it must say that payments are lost.
output=$folder/lying.txt
code=0
run lying --rcd "$target/crash/rcd-failpoints" --cuts 8 >"$output" 2>&1 || code=$?
if [ "$code" != 3 ] || ! grep -q 'VIOLATION: .*acknowledged payments are lost\|VIOLATION: .*seen events are lost' "$output"; then
  cat "$output"
  echo "the harness did not notice a server that syncs nothing (exit code $code)"
  exit 1
fi
grep VIOLATION "$output" | cut -c 1-160
echo "lying: the loss was found, as it must be"
