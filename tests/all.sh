#!/usr/bin/env bash
# The whole test suite, in the order of cheap to dear; stops at the first failure. Called by `./x test`.
set -euo pipefail
cd "$(dirname "$0")/.."
# One seed, so that a run says the same twice; PROPTEST_RNG_SEED=$RANDOM ./x test looks elsewhere.
export PROPTEST_RNG_SEED=${PROPTEST_RNG_SEED:-1}
step() { printf '\n\033[1m==> %s\033[0m\n' "$*"; }

step "documents: links, examples listed"
bash tests/links.sh

step "formatting"
cargo fmt --all --check

step "the compiler's crates, which must build without RocksDB and Cranelift"
for crate in rc-source rc-diagnostics rc-syntax rc-hir rc-check rc-lower rc-driver rc-format; do
  if cargo tree -q -p "$crate" -e normal | grep -Eq 'rocksdb|cranelift|tokio'; then
    echo "$crate depends on a heavy crate:"; cargo tree -q -p "$crate" -e normal | grep -E 'rocksdb|cranelift|tokio'; exit 1
  fi
done

step "lints"
cargo clippy --workspace --all-targets --quiet -- -D warnings

step "unit, property and integration tests"
cargo test --workspace --quiet

step "examples: checked, formatted, tested under both engines"
cargo build --quiet -p rcc -p rcd
rcc=${CARGO_TARGET_DIR:-target}/debug/rcc
for package in examples/*/; do
  "$rcc" check "$package"
  "$rcc" fmt --check "$package"
  "$rcc" test "$package"
  "$rcc" cost "$package"
done
"$rcc" fmt --check stdlib
for package in stdlib/packages/*.rc; do
  "$rcc" fmt --check "$package"
  "$rcc" test "$package"
done

for script in tests/*/run.sh; do
  [ -e "$script" ] || continue
  step "$script"
  bash "$script"
done

echo
echo "all passed"
