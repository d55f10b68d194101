# Needs python3 (3.11 or newer, with venv) and make. Everything else comes from the lock files into .venv.
PYTHON ?= python3
UV ?= uv
BIN := .venv/bin
DONE := .venv/installed

unexport PYTHONPATH PYTHONHOME
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test check docs verify-deploy bench bench-peers growth chaos soak lock clean
.DELETE_ON_ERROR:

demo: $(DONE)
	@$(BIN)/pollwatch demo

test: check
	@echo "== Apache Kafka: the jars the tests run on"
	@$(BIN)/python -m streams.broker.fetch
	@echo "== pytest"
	@$(BIN)/pytest -q -n 4 --dist=worksteal

check: $(DONE)
	@echo "== ruff, mypy"
	@$(BIN)/ruff check -q .
	@$(BIN)/mypy
	@$(BIN)/mypy $(wildcard dashboards/*.py tests/*.py benchmarks/*.py benchmarks/*/*.py)
	@$(BIN)/mypy -p deploy

# The reference pages, from the code they describe.
docs: $(DONE)
	@$(BIN)/python -m streams.reference

# What needs no Docker daemon and no cluster. helm is built once with Go, into your cache.
verify-deploy: $(DONE) .venv-deploy/packages
	@deploy/verify/run.sh

.venv-deploy/packages: requirements-deploy.lock
	@echo "== .venv-deploy: installing $$(grep -c '==' $<) pinned packages (120 MB, once)"
	@$(PYTHON) -m venv --clear .venv-deploy
	@.venv-deploy/bin/python -m pip install -q --only-binary :all: --require-hashes -r $<
	@touch $@

bench: $(DONE)
	@$(BIN)/python -m benchmarks

bench-peers: $(DONE) .venv-peers/packages
	@$(MAKE) --no-print-directory .venv-flink/packages \
	  || echo "== .venv-flink: PyFlink can't be installed here: measured without it"
	@$(BIN)/python -m benchmarks.peers

.venv-peers/packages: requirements-peers.lock
	@echo "== .venv-peers: installing $$(grep -c '==' $<) pinned packages (once)"
	@$(PYTHON) -m venv --clear .venv-peers
	@.venv-peers/bin/python -m pip install -q --only-binary :all: --require-hashes -r $<
	@touch $@

# Four of its dependencies are published as source alone; crcmod is C.
.venv-flink/packages: requirements-flink.lock benchmarks/peers/flink-jars.sha256 | $(DONE)
	@echo "== .venv-flink: installing $$(grep -c '==' $<) pinned packages, a few of them built (1 GB, once)"
	@$(PYTHON) -m venv --clear .venv-flink
	@.venv-flink/bin/python -m pip install -q --only-binary :all: --no-binary crcmod,dill,docopt,hdfs --require-hashes -r $<
	@$(BIN)/python -m benchmarks.peers.flink_connector .venv-flink/connector.jar
	@touch $@

growth: $(DONE)
	@$(BIN)/python -m benchmarks.growth

chaos: $(DONE)
	@$(BIN)/python -m benchmarks.chaos

soak: $(DONE)
	@$(BIN)/python -m benchmarks.soak

# The project itself: again when its settings or what is compiled changes. The packages below it: only when their lock changes.
$(DONE): .venv/packages pyproject.toml hatch_build.py $(wildcard compiled/*.c compiled/*.h)
	@echo "== .venv: installing pollwatch"
	@$(BIN)/python -m pip install -q --no-deps --no-build-isolation -e .
	@touch $@

.venv/packages: requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "== .venv: creating"
	@$(PYTHON) -m venv --clear .venv
	@echo "== .venv: installing $$(grep -c '==' $<) pinned packages (a minute or two, once)"
	@$(BIN)/python -m pip install -q --only-binary :all: --require-hashes -r $<
	@touch $@

# After a change of dependencies in pyproject.toml, or of ENDPOINT in streams/broker/fetch.py. Pins that still fit stay;
# delete a lock to take the newest. The image installs requirements.lock, and builds the project with requirements-build.lock;
# .venv is the development one: with the broker and the tools. .venv-deploy has what `make verify-deploy` checks with,
# .venv-peers and .venv-flink what `make bench-peers` measures against.
COMPILE = $(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
lock: $(DONE)
	@$(COMPILE) pyproject.toml -o requirements.lock
	@printf 'hatchling\neditables\nziglang\n' \
	  | $(COMPILE) --extra broker --group dev -c requirements.lock pyproject.toml - -o requirements-dev.lock
	@printf 'hatchling\nziglang\n' | $(COMPILE) -c requirements-dev.lock - -o requirements-build.lock
	@$(COMPILE) deploy/requirements.in -o requirements-deploy.lock
	@$(COMPILE) benchmarks/peers/requirements.in -o requirements-peers.lock
	@$(COMPILE) benchmarks/peers/requirements-flink.in -o requirements-flink.lock
	@$(BIN)/python -m streams.broker.fetch --lock

clean:
	rm -f compiled/loops.so
	rm -rf .venv .venv-deploy .venv-peers .venv-flink var out dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
