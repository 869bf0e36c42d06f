#!/usr/bin/env bash
# Print the Python that the environments are made of: 3.12 or 3.11, preferring one with a shared libpython (Triton needs it).
set -eu
usable=""
for name in python3.12 python3.11 python3 python; do
  path=$(command -v "$name" || true)
  [ -n "$path" ] || continue
  version=$("$path" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true)
  case "$version" in 3.11 | 3.12) ;; *) continue ;; esac
  "$path" -c 'import venv, ensurepip' 2>/dev/null || continue
  usable=${usable:-$path}
  if "$path" -c 'import sysconfig, sys; sys.exit(not sysconfig.get_config_var("Py_ENABLE_SHARED"))'; then
    echo "$path"
    exit 0
  fi
done
if [ -z "$usable" ]; then
  echo "personsearch needs Python 3.11 or 3.12 with venv; got $(python3 --version 2>&1 || echo none). Set PYTHON=/path/to/python." >&2
  exit 1
fi
echo "$usable"
