# Each target says what it does; `make` alone lists them.
PY := .venv/bin/python

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

.venv/stamp: pyproject.toml uv.lock
	python3 -m venv .venv
	.venv/bin/pip install -q uv==0.13.9
	.venv/bin/uv sync -q --frozen
	@touch $@

serve: .venv/stamp  ## install into .venv, and serve the quickstart on http://127.0.0.1:8080
	.venv/bin/cloverleaf serve config/quickstart.yaml

test: .venv/stamp check  ## check, then every test but those that need the real engine
	$(PY) -m pytest

check: .venv/stamp  ## format, lint, types, room rules
	.venv/bin/ruff format --check -q .
	.venv/bin/ruff check -q .
	.venv/bin/mypy -p policies -p backends -p gateway
	$(PY) -m pytest tests/test_rooms.py

fuzz: .venv/stamp  ## hostile inputs, ten times as many as the tests have (FUZZ=100 for more, FUZZ_SEED=2 for others)
	FUZZ=$${FUZZ:-10} $(PY) -m pytest -o timeout=3600 tests/fuzz

test-engine: .venv/stamp  ## real vLLM on the CPU, through the gateway (installs it into a cache: 3.5 GB)
	tests/engine/install.sh >/dev/null
	$(PY) -m pytest -o addopts=-q -o timeout=600 tests/engine

test-sdk: .venv/stamp  ## the openai SDK's own test suite against the gateway
	$(PY) -m tests.sdk.run

compiled: build/stamp  ## the package with its hot path compiled, in build/compiled (needs gcc and Python's headers)

build/stamp: .venv/stamp deploy/compile.py $(shell find policies backends gateway -name '*.py')
	rm -rf build && mkdir -p build/compiled
	HATCH_BUILD_HOOKS_ENABLE=1 .venv/bin/uv build -q --wheel --python $(PY) -o build
	tar -c --exclude=./build --exclude=./.venv --exclude=./.git --exclude=__pycache__ . | tar -x -C build/compiled
	$(PY) -m zipfile -e build/*.whl build/compiled
	@touch $@

test-compiled: build/stamp  ## the tests of what is compiled, once more, on the compiled files
	cd build/compiled && ../../$(PY) -m pytest --ignore=tests/docs --ignore=tests/gateway/simulate --ignore=tests/gateway/report

bench: .venv/stamp  ## measure against the raw-protocol floor and every installed peer
	@test ! -e $$($(PY) -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h || $(MAKE) compiled
	$(PY) -m bench.run

soak: .venv/stamp  ## 10 minutes of 200 clients over engines that die at random (other lengths: MINUTES=1)
	$(PY) -m bench.chaos --minutes $(or $(MINUTES),10)

lock: .venv/stamp  ## resolve the dependencies anew into uv.lock
	.venv/bin/uv lock

.PHONY: help serve test check fuzz test-engine test-sdk bench soak lock compiled test-compiled
.DEFAULT_GOAL := help
