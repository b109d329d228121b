# Each target says what it does; `make` alone lists them.
PY := .venv/bin/python
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
# Two or more processes; a test goes to whichever is free. Each says what it started on, so no two share a port.
PYTEST := -m pytest -n auto --dist worksteal --durations=15
# $(call timed,NAME,COMMAND): run it, and say how long it took.
timed = @SECONDS=0; $(2) && echo "== $(1): $$SECONDS s"

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
	$(call timed,tests,$(PY) $(PYTEST))

coverage: .venv/stamp check  ## make test, and the lines and branches that it reaches: fewer than agreed fail
	$(call timed,tests,$(PY) -m coverage erase && $(PY) -m coverage run $(PYTEST))
	$(call timed,coverage,$(PY) -m coverage combine -q && $(PY) -m coverage report)

check: .venv/stamp  ## format, lint, types, room rules
	$(call timed,format,.venv/bin/ruff format --check -q .)
	$(call timed,lint,.venv/bin/ruff check -q .)
	$(call timed,types,.venv/bin/mypy -p policies -p backends -p gateway)
	$(call timed,rooms,$(PY) -m pytest tests/test_rooms.py)

fuzz: .venv/stamp  ## hostile inputs, thirty times as many as the tests have (FUZZ=100 for more, FUZZ_SEED=2 for others)
	FUZZ=$${FUZZ:-30} $(PY) -m pytest -n auto -o timeout=7200 tests/fuzz

test-engine: .venv/stamp  ## real vLLM on the CPU, through the gateway (installs it into a cache: 3.5 GB)
	tests/engine/install.sh >/dev/null
	$(call timed,engine,$(PY) -m pytest --durations=15 -o addopts=-q -o timeout=600 tests/engine)

test-sdk: .venv/stamp  ## the openai SDK's own test suite against the gateway
	$(call timed,SDK,$(PY) -m tests.sdk.run)

compiled: build/stamp  ## the package with its hot path compiled, in build/compiled (needs gcc and Python's headers)

build/stamp: .venv/stamp deploy/compile.py $(shell find policies backends gateway -name '*.py')
	@echo "== compiling"
	rm -rf build && mkdir -p build/compiled
	HATCH_BUILD_HOOKS_ENABLE=1 .venv/bin/uv build -q --wheel --python $(PY) -o build
	tar -c --exclude=./build --exclude=./.venv --exclude=./.git --exclude=__pycache__ . | tar -x -C build/compiled
	$(PY) -m zipfile -e build/*.whl build/compiled
	@touch $@

COMPILED := contracts hostile properties backends/reply backends/transports gateway/ledger gateway/server policies/attempts

test-compiled: build/stamp  ## the tests of what is compiled, once more, on the compiled files
	tar -c --exclude=__pycache__ tests bench | tar -x -C build/compiled
	cd build/compiled && ../../$(PY) -c "import gateway.proxy.journey as j; assert j.__file__.endswith('.so')"
	$(call timed,compiled,cd build/compiled && ../../$(PY) $(PYTEST) $(COMPILED:%=tests/%))

bench: .venv/stamp  ## measure against the raw-protocol floor and every installed peer
	@test ! -e $$($(PY) -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h || $(MAKE) compiled
	$(PY) -m bench.run

soak: .venv/stamp  ## 10 minutes of 200 clients over engines that die at random (other lengths: MINUTES=1)
	$(PY) -m bench.chaos --minutes $(or $(MINUTES),10)

lock: .venv/stamp  ## resolve the dependencies anew into uv.lock
	.venv/bin/uv lock

.PHONY: help serve test coverage check fuzz test-engine test-sdk bench soak lock compiled test-compiled
.DEFAULT_GOAL := help
