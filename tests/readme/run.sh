#!/usr/bin/env bash
# What the README promises a newcomer: the node starts with the ledger, prints the commands with their costs, and the
# `curl` line that it prints works when pasted; a save is served; after kill -9 what was acknowledged is there.
set -euo pipefail
cd "$(dirname "$0")/../.."
[ -n "${ROCKSDB_LIB_DIR:-}" ] || eval "$(./x env)"
cargo build --quiet -p rcd -p rcc
bin=${CARGO_TARGET_DIR:-target}/debug
work=$(mktemp -d)
node=
trap 'kill -9 $node 2>/dev/null || true; rm -rf "$work"' EXIT
cp -r examples/ledger "$work/ledger"
export XDG_CONFIG_HOME=$work/config
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
url=http://127.0.0.1:$port

fail() { echo "failed: $*"; cat "$work/log"; exit 1; }
start() {
  "$bin/rcd" dev "$work/ledger" --port "$port" >"$work/log" 2>&1 &
  node=$!
  for _ in $(seq 200); do
    grep -q '^ready in' "$work/log" && return
    kill -0 "$node" 2>/dev/null || fail "the node ended"
    sleep 0.1
  done
  fail "the node is not ready after 20 s"
}
expect() { # WANTED COMMAND…
  local wanted=$1 got
  shift
  got=$("$@" 2>&1) || fail "$* gave: $got"
  [ "$got" = "$wanted" ] || fail "$* gave $got, not $wanted"
}

start
for word in open mint pay balance accounts_of steps pages anyone treasurer; do
  grep -q "$word" "$work/log" || fail "the banner does not say $word"
done
line=$(sed -n '/^Try:/{n;s/^ *//p}' "$work/log")
case "$line" in curl*) ;; *) fail "no curl line is printed" ;; esac
expect null bash -c "$line"
expect null "$bin/rcc" call "$url" ledger.open '{"id": 2, "owner": "bob"}'
expect null "$bin/rcc" call "$url" ledger.mint '{"to": 1, "amount": 100}' --role treasurer
expect '"70"' "$bin/rcc" call "$url" ledger.pay '{"from": 1, "to": 2, "amount": 30}'

kill -9 "$node"
wait "$node" 2>/dev/null || true
start
grep -q 'recovered to op' "$work/log" || fail "it does not say what it recovered"
expect '"70"' "$bin/rcc" call "$url" ledger.balance '{"id": 1}'
curl -sN --max-time 2 "$url/events?from=0" >"$work/events" || true
grep -q 'event: ledger.Paid' "$work/events" || fail "the payment's event is gone"

# A save is served, and what a client called before still answers.
printf '\nquery double(id: u64) -> Cents fails Payment allow anyone {\n    let account = Account.get(id) else fail NoAccount(id)\n    account.balance + account.balance\n}\n' >>"$work/ledger/ledger.rc"
for _ in $(seq 100); do
  got=$("$bin/rcc" call "$url" ledger.double '{"id": 1}' 2>/dev/null) && break
  sleep 0.1
done
[ "${got:-}" = '"140"' ] || fail "the saved query answers ${got:-nothing}"
expect '"70"' "$bin/rcc" call "$url" ledger.balance '{"id": 1}'

# One that breaks what is deployed is refused, and nothing changes.
sed -i 's/^query balance(id: u64)/query balance(id: u32)/; s/Account.get(id) else fail NoAccount(id)$/Account.get(id as u64) else fail NoAccount(id as u64)/' "$work/ledger/ledger.rc"
for _ in $(seq 100); do
  grep -q 'takes other arguments' "$work/log" && break
  sleep 0.1
done
grep -q 'takes other arguments' "$work/log" || fail "a breaking save is not refused"
expect '"70"' "$bin/rcc" call "$url" ledger.balance '{"id": 1}'
echo "README: ok"
