# make run: start Mailwitness.  make test: the whole check.  make check: the quick part of it.
# Every step leaves a stamp in .venv, so that a second run starts at once. PYTHON chooses the interpreter (3.11 or later).

PYTHON ?= python3
BIN := .venv/bin
CHROMIUM ?=
export CHROMIUM
# uv needs a tenth of pip's work for it; where it cannot be had, or may not go where pip goes, pip does it.
installed = { $(BIN)/pip install --quiet --disable-pip-version-check uv \
	&& $(BIN)/uv pip install --quiet --python $(BIN)/python -e '$(1)'; } \
	|| $(BIN)/pip install --quiet --disable-pip-version-check -e '$(1)'
export NODE_PATH := $(CURDIR)/.venv/node/node_modules
# Where it is set, each process that is started compiles every module anew.
unexport PYTHONDONTWRITEBYTECODE

# Tests of what is without I/O, whose coverage is measured; elsewhere to measure it would take half as long again.
PURE := tests/model tests/rendition $(filter-out %_peers.py,$(wildcard tests/ledger/test_*.py)) \
	tests/archive/test_query_language.py \
	$(addprefix tests/intake/test_,address_grammar.py dotreader.py parameters.py proxy_header.py) \
	$(addprefix tests/feedback/test_,classification.py fetch_addresses.py link_destinations.py)

run: .venv/.installed
	exec $(BIN)/mailwitness serve

test: .venv/.tested
	$(MAKE) -j 3 --output-sync lint read .venv/.browser .venv/.peers
	$(BIN)/pytest -n 3 --dist loadgroup --durations=15 $(PURE:%=--ignore=%)
	$(BIN)/pytest -n 3 -p no:schemathesis --dist loadgroup --cov --cov-report= --durations=5 $(PURE)
	$(BIN)/coverage report --skip-covered --show-missing --fail-under=100

# Without a browser, killed servers and other programs; no coverage.
check: .venv/.tested lint
	$(BIN)/pytest -n 2 -m 'not browser and not crash and not peer'

# The tests are compiled once, and not by each of the processes that run them.
.PHONY: read
read: .venv/.tested
	$(BIN)/pytest --collect-only > .venv/tests

.PHONY: lint
lint: .venv/.tested
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: .venv/.tested
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# As `test`, with all the cases of which it tries some: an hour or two.
.PHONY: thorough
thorough:
	MAILWITNESS_THOROUGH=1 MAILWITNESS_FUZZ=100 $(MAKE) test

# Pictures of every page, light and dark, 1280 and 390 pixels wide: docs/screenshots/all; what the documentation shows: docs/screenshots.
screenshots: .venv/.tested .venv/.browser
	MAILWITNESS_SCREENSHOTS=docs/screenshots $(BIN)/pytest tests/browser/test_browser_screenshots.py

# Adds words that are new to the .po files, for translators.
.PHONY: words
words: .venv/.installed
	$(BIN)/pybabel -q extract -F pyproject.toml -k say -k say_n:1,2 --no-location --sort-output -o .venv/words.pot .
	$(BIN)/pybabel -q update -i .venv/words.pot -d viewer/locale --no-fuzzy-matching --width=120

# Throughput beside Postfix on the same disk; prints the table.
bench: .venv/.tested .venv/.peers
	$(BIN)/python -m tests.bench.bench_release

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*

.venv/.made:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv .venv
	touch $@

.venv/.installed: .venv/.made pyproject.toml
	$(call installed,.)
	touch $@

.venv/.tested: .venv/.made pyproject.toml
	$(call installed,.[test])
	touch $@ .venv/.installed

.venv/.browser: .venv/.tested
	.ci/browser $(BIN)
	touch $@

peers .venv/.peers: .venv/.made
	-.ci/peers .venv/node
	touch .venv/.peers
