#!/usr/bin/env bash
# Fetches the openai SDK's own tests and what they need, and prints where they are. Usage: install.sh VERSION
# Rule: as for the engine: complete under its final name, or not there. Nothing of the suite is kept in this repository.
set -euo pipefail

version="$1"
python="${PYTHON:-python3.11}"
cache="${CLOVERLEAF_CACHE:-$HOME/.cache/cloverleaf}"
home="$cache/openai-tests-$version"
building="$home.building"
log="$home.log"

say() { echo "openai $version tests: $*" >&2; }
die() { say "$*"; exit 1; }

mkdir -p "$cache"
exec 9>"$home.lock"
flock 9
if [ -d "$home" ]; then
  echo "$home"
  exit 0
fi

command -v "$python" >/dev/null || die "$python is not on PATH; install Python 3.11 or name one with PYTHON=…"
rm -rf "$building"
mkdir "$building"
say "installing into $home (details in $log)"
: >"$log"
"$python" -m venv "$building/venv" >>"$log" 2>&1 || die "cannot create a virtual environment; see $log"
pip() { "$building/venv/bin/python" -m pip --disable-pip-version-check --no-input "$@" >>"$log" 2>&1; }
pip install "openai[aiohttp]==$version" pytest pytest-asyncio pytest-timeout pytest-xdist rich respx inline-snapshot time-machine dirty-equals ||
  die "pip cannot install what the tests need (no registry?); see $log"
pip download --no-deps --no-binary openai --dest "$building" "openai==$version" || die "pip cannot download the source; see $log"
mkdir "$building/source"
tar --extract --gzip --file "$building"/openai-*.tar.gz --directory "$building/source" --strip-components=1
mv "$building" "$home"
say "installed"
echo "$home"
