#!/usr/bin/env bash
# Make .venv-triton, the embedded Triton's own environment (numpy 1.26: with numpy 2 its Python stub returns empty outputs).
# Where the server cannot run, say so in one line; personsearch then serves its networks in-process (PERSONSEARCH_INFERENCE__KIND=local).
set -eu
python=${1:?usage: tools/setup_triton.sh PYTHON}
venv=.venv-triton

reason=""
glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null | awk '{print $2}')
if [ "$(uname -sm)" != "Linux x86_64" ]; then reason="this is $(uname -sm), the server is built for Linux x86_64"
elif [ -z "$glibc" ] || [ "$(printf '%s\n2.35\n' "$glibc" | sort -V | head -1)" != "2.35" ]; then reason="glibc ${glibc:-none} is older than 2.35"
elif ! "$python" -c 'import sys, sysconfig; sys.exit(not sysconfig.get_config_var("Py_ENABLE_SHARED"))'; then reason="$python has no shared libpython"
fi

if [ -n "$reason" ]; then
  echo "NOTE: no embedded Triton here: $reason. Networks will be served in-process (local backend)."
  exit 0
fi
echo "installing the embedded Triton into $venv"
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
"$venv/bin/python" -m pip --disable-pip-version-check install --quiet --constraint constraints-triton.txt "nvidia-pytriton>=0.7,<0.8" "numpy>=1.26,<1.27" "openvino>=2026.4,<2027"
touch "$venv/.ready"
