#!/usr/bin/env bash
# What the README promises, from a fresh clone of HEAD: `make demo` works and leaves a stack that answers until `personsearch down`.
set -euo pipefail
root=$(git rev-parse --show-toplevel)
work=$(mktemp -d)
trap 'cd "$work/clone" 2>/dev/null && .venv/bin/personsearch down >/dev/null 2>&1; rm -rf "$work"' EXIT
git clone --quiet "$root" "$work/clone"
cd "$work/clone"
export PERSONSEARCH_STATE_DIR="$work/state"
started=$(date +%s)
make demo
echo "make demo took $(($(date +%s) - started)) s"
portrait=$(ls examples/demo/queries/*.jpg | head -1)
.venv/bin/personsearch search --portrait "$portrait" --gallery demo --json | .venv/bin/python -c '
import json, sys
answer = json.load(sys.stdin)
assert answer["hits"] and not answer["degraded"], answer
print(len(answer["hits"]), "hits")'
.venv/bin/personsearch down
if .venv/bin/personsearch status >/dev/null 2>&1; then echo "the stack still runs after down"; exit 1; fi
