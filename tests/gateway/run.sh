#!/usr/bin/env bash
# The gateway seen from another language: Python's gRPC client finds the service by reflection and calls it; a public
# validator reads the OpenAPI document. Says what it skips where Python's packages cannot be had.
set -euo pipefail
cd "$(dirname "$0")/../.."
cache=${RECURRENT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/re-current}/python
needed="grpcio grpcio-reflection protobuf openapi-spec-validator"

if ! command -v python3 >/dev/null; then
  echo "skipped: there is no python3"; exit 0
fi
if ! "$cache/bin/python" -c 'import grpc, grpc_reflection, openapi_spec_validator' 2>/dev/null; then
  mkdir -p "$cache"
  if ! { python3 -m venv "$cache" && "$cache/bin/pip" install --quiet --disable-pip-version-check $needed; }; then
    echo "skipped: python3 -m venv or pip install $needed did not work"; exit 0
  fi
fi

cargo build --quiet -p rc-gateway --example serve_bank
server=${CARGO_TARGET_DIR:-target}/debug/examples/serve_bank
# The server lives as long as its standard input.
coproc SERVER { "$server"; }
read -r address <&"${SERVER[0]}"
timeout 120 "$cache/bin/python" tests/gateway/client.py "$address"
