#!/bin/sh
# Makes .venv from pyproject.toml and constraints.txt, or finds it up to date.
# It prints nothing when there is nothing to do; every failure is one line and exit code 2.
# `scripts/setup.sh stamp` prints what decides whether there is: the pins, the interpreter and this folder.
set -u
cd "$(dirname "$0")/.." || exit 2

die() { printf 'zth setup: %s\n' "$*" >&2; exit 2; }

asked=${1:-}
if [ -n "${PYTHON:-}" ]; then set -- "$PYTHON"; else set -- python3 python3.11 python3.12 python3.13 python3.14 python; fi
python=
for candidate do
  if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$candidate; break; fi
done
if [ -z "$python" ]; then
  found=$("${PYTHON:-python3}" --version 2>&1 | head -n 1)
  die "found ${found:-no Python}; Python 3.11 or newer is needed. Install one, or name it: make setup PYTHON=/path/to/python3.11"
fi

stamp=$({ cat pyproject.toml constraints.txt scripts/setup.sh; "$python" -c 'import sys; print(sys.version, sys.base_prefix)'; pwd; } | cksum)
[ "$asked" = stamp ] && { printf '%s' "$stamp"; exit 0; }
[ -x .venv/bin/python ] && [ "$(cat .venv/zth-stamp 2>/dev/null)" = "$stamp" ] && exit 0

"$python" -c 'import venv, ensurepip' 2>/dev/null ||
  die "$("$python" --version) has no venv module. On Debian and Ubuntu: apt install python3-venv; then run make again."
free_kb=$(df -Pk . | awk 'NR == 2 { print $4 }')
[ "${free_kb:-0}" -ge "${ZTH_SETUP_KB:-1500000}" ] ||
  die "this disk has $((free_kb / 1024)) MB free; about 1500 MB are needed for .venv (8 GB with a CUDA build of torch). Free some space, then run make again."

rm -f .venv/zth-stamp
# An environment of the same Python is brought up to date; any other, or half of one, is made anew.
clear=--clear
same='import sys, pip; print(sys.version)'
[ "$(.venv/bin/python -c "$same" 2>/dev/null)" = "$("$python" -c 'import sys; print(sys.version)')" ] && clear=
printf 'Setting up .venv with %s (once; a few minutes) ...\n' "$("$python" --version)"
log=$(mktemp "${TMPDIR:-/tmp}/zth-setup.XXXXXX") || die "cannot write to ${TMPDIR:-/tmp}. Set TMPDIR to a folder that can be written."
trap 'rm -f "$log"' EXIT
trap 'printf "\nzth setup: interrupted. Run make again to go on.\n" >&2; exit 130' INT TERM

"$python" -m venv $clear .venv >"$log" 2>&1 || die "could not make .venv: $(tail -n 1 "$log")"
pip() { .venv/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt "$@" >"$log" 2>&1; }
# The build backend first, by the same pins; then the package itself needs nothing unpinned to be built.
if ! { pip hatchling editables && pip --no-build-isolation --editable '.[dev,docs]'; }; then
  case $(cat "$log") in
    *"No space left"*) die "the disk is full. Free about 1500 MB, then run make again." ;;
    *"NewConnectionError"*|*"ConnectionError"*|*"ConnectTimeout"*|*"name resolution"*|*"Could not find a version"*|*"No matching distribution"*|*"ResolutionImpossible"*|*"ProxyError"*)
      die "no package registry gave what is needed ($(grep -m 1 '^ERROR' "$log" || tail -n 1 "$log")). Check the network or pip's settings (pip config list), then run make again." ;;
    *) cp "$log" .venv/setup.log; die "pip failed: $(grep -m 1 -i error "$log" || tail -n 1 "$log") (whole log: .venv/setup.log)" ;;
  esac
fi
printf '%s' "$stamp" >.venv/zth-stamp
