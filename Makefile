# Every target sets up what it needs; `make` alone lists them. Another Python: make PYTHON=python3.12 …
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BENCH := .venv-bench

# Tests wait for servers more than they compute.
WORKERS ?= $(shell echo $$(($$(nproc) * 2 + 1)))

export PYTHON
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1
export PIP_ROOT_USER_ACTION := ignore

SOURCES := $(shell find sat bridge plugins frontends -type f -not -name '*.pyc')
QUIETLY := install --quiet --quiet
INSTALL := sh tests/testbed/install.sh
# What an earlier build left would go into the new one.
FRESH := rm -rf build/lib build/bdist.*

.DEFAULT_GOAL := help
.PHONY: help demo test lint types contracts doc api pytest guards storm bench packaging clean

help:
	@echo 'make demo       see alice and bob talk on a private server (KEEP=1 leaves it running)'
	@echo 'make test       all checks and tests, on real servers of this machine'
	@echo 'make lint       style alone; likewise: types, contracts, doc, pytest (T="tests/house -k wheel")'
	@echo 'make storm      messages both ways while all that can fail fails, for long (SAT_SEED=1 STORM="N CUTS KILLS RESTARTS" BACKLOG="WAITING SENT" ACTIONS=200 FILE_SIZE=BYTES)'
	@echo 'make guards     take each guard against an attack away, and see its tests fail (RULES="7 21 bridge")'
	@echo 'make bench      speed and memory, as ratios'
	@echo 'make api        write down what the bridge is now, in doc/api/api.json'
	@echo 'make packaging  install the sdist, the wheel and the tree on each Python that is here'
	@echo 'make clean      remove all that these made'

demo: $(VENV)/.base
	@$(INSTALL) prosody
	@$(BIN)/python -m tests.demo $(if $(KEEP),--keep)

test: lint types contracts doc pytest

lint: $(VENV)/.test
	@echo '— style'
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .

types: $(VENV)/.test
	@echo '— types'
	@$(BIN)/mypy

contracts: $(VENV)/.test
	@echo '— contracts between packages'
	@$(BIN)/lint-imports --no-cache

doc: $(VENV)/.test
	@echo '— documentation, in build/doc; man pages, in build/man'
	@$(BIN)/sphinx-build --fail-on-warning --quiet --builder html doc build/doc
	@$(BIN)/sphinx-build --fail-on-warning --quiet --builder man doc build/man

api: $(VENV)/.test
	@$(BIN)/python -m tests.house.api

pytest: $(VENV)/.test
	@$(INSTALL) prosody ejabberd ssh node socat dbus telepathy tmux
	@echo '— tests'
	@$(BIN)/pytest --quiet --numprocesses $(WORKERS) --dist loadfile $(T)

guards: $(VENV)/.test
	@$(BIN)/python -m tests.hostile.guards $(RULES)

storm: $(VENV)/.test
	@$(INSTALL) prosody ejabberd ssh tmux
	@SAT_STORM="$(or $(STORM),10000 300 30 5)" $(BIN)/pytest --quiet --capture=no tests/e2e/test_storm.py
	@SAT_ACTIONS="$(or $(ACTIONS),200)" $(BIN)/pytest --quiet --capture=no tests/e2e/test_console_many.py
	@SAT_BACKLOG="$(or $(BACKLOG),3000 500)" $(BIN)/pytest --quiet tests/e2e/test_backlog.py tests/e2e/test_full_disk.py
	@SAT_FILE_SIZE="$(or $(FILE_SIZE),100000000)" $(BIN)/pytest --quiet --capture=no tests/e2e/test_remote.py -k file_of_another

bench: $(BENCH)/.ready
	@$(INSTALL) prosody
	@$(BENCH)/bin/python -m tests.bench

packaging: $(VENV)/.test
	@$(BIN)/python -m tests.house.packaging

clean:
	rm -rf $(VENV) $(BENCH) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python $(BENCH)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed, and $(PYTHON) is %d.%d. Name another: make PYTHON=python3.11 $(MAKECMDGOALS)" % sys.version_info[:2])'
	@$(INSTALL) venv
	@echo "Making $(@D:/bin=)…"
	@$(PYTHON) -m venv --clear $(@D:/bin=)

$(VENV)/.base: setup.cfg pyproject.toml | $(BIN)/python
	@echo 'Installing Salut à Toi and what it stands on…'
	@$(BIN)/pip $(QUIETLY) --editable .
	@touch $@

$(VENV)/.test: $(VENV)/.base
	@echo 'Installing what the tests stand on…'
	@$(BIN)/pip $(QUIETLY) --editable '.[test]'
	@touch $@

# Not editable: an editable install starts slower, and nobody uses one.
$(BENCH)/.ready: setup.cfg pyproject.toml $(SOURCES) | $(BENCH)/bin/python
	@echo 'Installing Salut à Toi as a user does…'
	@$(FRESH)
	@$(BENCH)/bin/pip $(QUIETLY) . scramp slixmpp
	@$(FRESH)
	@touch $@
