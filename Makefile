# make demo   a Mix project becomes an image, migrates a real PostgreSQL, serves, and is deployed to a swarm
# make test   all tests, on a real Docker Engine
# make test-kubernetes   the tests in a real one-node Kubernetes cluster, which is compiled once (about 15 minutes)
# make bench  what relbuild costs beside a conventional Dockerfile and docker alone: ratios, those of images into
#             bench/RESULTS.md; fails at the end when one is above what is promised; half an hour
# All do the set-up they need, and can be run again and again.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYTEST_ARGS ?=
# How many tests run at once, those of a file one after the other; the short ones last, which fill up what is left.
TEST_PROCESSES ?= 2
# The Debian releases that the tests build on: Elixir 1.14 on OTP 25, 1.18 on 27, 1.20 on 29.
SUITES ?= trixie bookworm forky

.PHONY: demo demo-clean test test-kubernetes test-unit lint golden bench venv engine test-tools bases platforms clean

demo: SUITES = trixie
demo: venv engine bases
	scripts/demo.sh

demo-clean:
	scripts/demo-clean.sh

test: venv engine bases platforms lint test-tools
	$(BIN)/pytest --numprocesses $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder \
		--ignore=tests/kubernetes $(PYTEST_ARGS)

# The cluster is in a network namespace of its own; port 18080 of the loopback address reaches what it serves, and its
# node reaches the tests' registry at port 15000.
test-kubernetes: SUITES = trixie
test-kubernetes: venv engine bases
	scripts/kubernetes/get.sh
	KUBE_IN=18080:30080 KUBE_OUT=15000:15000 scripts/kubernetes/up.sh
	$(BIN)/pytest tests/kubernetes $(PYTEST_ARGS); result=$$?; scripts/kubernetes/down.sh; exit $$result

# Without an engine: seconds.
test-unit: venv lint
	$(BIN)/pytest --numprocesses $(TEST_PROCESSES) --ignore=tests/engine --ignore=tests/kubernetes $(PYTEST_ARGS)

lint: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

golden: venv
	$(BIN)/pytest tests/golden --recapture

bench: venv engine bases
	@missed=0; for each in cli.py commands.py memory.py deploy.py "image.py $(ROUNDS)"; do \
		$(BIN)/python bench/$$each || missed=1; \
	done; exit $$missed

venv: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml
	scripts/venv.sh $(PYTHON) $(VENV)
	touch $@

engine:
	scripts/engine.sh

test-tools:
	scripts/test-tools.sh

# The engine runs programs of another architecture, emulated.
platforms: engine
	scripts/platforms.sh

bases: engine
	scripts/base-images.sh $(SUITES)

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
