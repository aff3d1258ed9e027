# Countinghouse: two commands are enough, `make run` and `make test`. The rest serves who works on it.
#
# A fresh machine needs Python 3.11 or newer and make. Everything else comes hashed from the two lock files.

MAKEFLAGS += --no-print-directory
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
CACHE := .cache

# The first Python on the path that is new enough; `make run PYTHON=/some/where/python3.13` names another.
new_enough := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON = $(shell for python in python3 python3.11 python3.12 python3.13 python3.14; do \
	"$$python" -c '$(new_enough)' 2>/dev/null && echo "$$python" && break; done)

# No sdist is ever built: a machine without a compiler gets the same files as every other.
INSTALL = $(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --no-input --require-hashes \
	--only-binary :all: --requirement
INSTALL_SELF = $(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --no-input \
	--no-deps --no-build-isolation --editable .

# Debian's PostgreSQL 15, where it is installed, runs the tests that a version of PostgreSQL could make fail a second time: what
# must hold at commit, policies, triggers and plans. `make test-thorough` runs there all that has to do with the database.
POSTGRES_15 := $(wildcard /usr/lib/postgresql/15/bin/postgres)
ifeq ($(HYPOTHESIS_PROFILE),thorough)
TESTS_OF_THE_DATABASE := $(wildcard tests/core tests/iam tests/ledger tests/billing tests/trade tests/worker tests/database tests/harness tests/engine tests/reporting tests/deploy/test_restore_*.py) \
	--ignore tests/engine/test_generated.py
else
TESTS_OF_THE_DATABASE := tests/ledger $(wildcard tests/database/test_isolation*.py) \
	$(addprefix tests/billing/test_,money.py refunds.py ageing.py) tests/iam/test_invites.py tests/iam/test_analysts.py \
	$(addprefix tests/trade/test_,order_books.py retailer_payments.py order_archiving.py)
endif

# What a pooler between the server and PostgreSQL could break, through PgBouncer in transaction mode, where there is one: what
# is once, what is lost, what keeps organisations apart, coming in. `make test-thorough` sends there all that is asked of a server.
POOLER = $(shell command -v pgbouncer || ls /usr/sbin/pgbouncer $(CACHE)/pgbouncer/usr/sbin/pgbouncer 2>/dev/null | head -n 1)
ifeq ($(HYPOTHESIS_PROFILE),thorough)
TESTS_OF_A_SERVER := $(wildcard tests/engine tests/conformance tests/http tests/iam tests/billing tests/ledger tests/trade tests/reporting tests/tenants tests/security)
else
TESTS_OF_A_SERVER := $(addprefix tests/http/test_,idempotency.py lost_changes.py rehearsals.py) tests/iam/entry
endif

# Three workers on two cores, because tests wait too, each with a PostgreSQL of its own. A file stays with one of them, and
# so do the fixtures that it shares.
JOBS := 3
PYTEST = $(BIN)/pytest --quiet --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder

.PHONY: help
help: ## Say what can be made
	@echo 'make run     everything on this machine: database, demo, server on 127.0.0.1:8000'
	@echo 'make test    everything from nothing: checks, then tests on PostgreSQL 18, and on 15 where it is installed'
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' Makefile

.PHONY: run
run: $(VENV)/.run ## Start the database, load it, make the demo and serve it
	@$(BIN)/countinghouse serve --demo

.PHONY: test
test: $(VENV)/.dev node pooler ## Run the checks and every test
	@$(MAKE) check
	@echo 'Tests on the embedded PostgreSQL 18'
	@$(PYTEST)
ifneq ($(POSTGRES_15),)
	@echo 'Tests of the database on PostgreSQL 15'
	@COUNTINGHOUSE_TEST_POSTGRES=15 $(PYTEST) $(TESTS_OF_THE_DATABASE)
endif
	@$(if $(POOLER),echo 'Tests of the server through PgBouncer in transaction mode')
	@$(if $(POOLER),COUNTINGHOUSE_TEST_POOLER=1 $(PYTEST) $(TESTS_OF_A_SERVER))

.PHONY: test-thorough
test-thorough: ## Run everything with twelve times as many generated documents and inputs
	@HYPOTHESIS_PROFILE=thorough $(MAKE) test

.PHONY: check
check: check-format check-lint check-types check-sh check-sql check-schema check-reporting check-docs check-audit ## Format, lint, types, scripts, SQL, schema, docs, audit

.PHONY: check-format check-lint check-types check-sh check-sql check-schema check-reporting check-docs check-audit
check-format: $(VENV)/.dev
	@$(BIN)/ruff format --quiet --check src tests bench \
		|| { echo 'Some files are not formatted; `make format` does it.' >&2; $(BIN)/ruff format --check src tests bench; }

check-lint: $(VENV)/.dev
	@$(BIN)/ruff check --quiet src tests bench

check-types: $(VENV)/.dev
	@$(BIN)/mypy --no-error-summary

check-sh: $(VENV)/.dev
	@$(BIN)/shellcheck $$(find deploy tests .ci -type f \( -name '*.sh' -o -path .ci/run \) ! -path '*/node_modules/*' | sort)

check-sql: $(VENV)/.dev
	@$(BIN)/squawk --config .squawk.toml $$(find sql -name '*.sql' ! -name load.sql | sort)

check-schema: $(VENV)/.dev
	@mkdir -p $(CACHE)
	@$(BIN)/countinghouse schema > $(CACHE)/schema.graphql
	@diff -u schema.graphql $(CACHE)/schema.graphql \
		|| { echo 'schema.graphql is not the schema of the code; `make schema` writes it.' >&2; exit 1; }

check-reporting: $(VENV)/.dev
	@mkdir -p $(CACHE)
	@$(BIN)/countinghouse reporting > $(CACHE)/views.sql
	@diff -u sql/reporting/views.sql $(CACHE)/views.sql \
		|| { echo 'sql/reporting/views.sql has not the views of the code; `make reporting` writes it.' >&2; exit 1; }

check-docs: $(VENV)/.dev
	@mkdir -p $(CACHE)
	@$(BIN)/countinghouse errors > $(CACHE)/errors.md
	@diff -u docs/errors.md $(CACHE)/errors.md \
		|| { echo 'docs/errors.md is not the catalogue of the code; `make docs` writes it.' >&2; exit 1; }
	@$(BIN)/countinghouse roles > $(CACHE)/roles.md
	@diff -u docs/roles.md $(CACHE)/roles.md \
		|| { echo 'docs/roles.md is not what the code allows; `make docs` writes it.' >&2; exit 1; }

# Are the locked packages on the lists of known vulnerabilities? Where nobody answers within 18 seconds it says so and goes on.
check-audit: $(VENV)/.dev
	@$(BIN)/python -m tests.strangers.audit

.PHONY: format
format: $(VENV)/.dev ## Format the code and mend what the linter can
	@$(BIN)/ruff check --quiet --fix-only src tests bench
	@$(BIN)/ruff format --quiet src tests bench

.PHONY: schema
schema: $(VENV)/.run ## Write schema.graphql
	@$(BIN)/countinghouse schema > $(VENV)/schema.graphql && mv $(VENV)/schema.graphql schema.graphql

.PHONY: reporting
reporting: $(VENV)/.run ## Write sql/reporting/views.sql, the views of analysts
	@$(BIN)/countinghouse reporting > $(VENV)/views.sql && mv $(VENV)/views.sql sql/reporting/views.sql

.PHONY: docs
docs: $(VENV)/.run ## Write docs/errors.md, the catalogue of errors, and docs/roles.md, who may do what
	@mkdir -p docs
	@$(BIN)/countinghouse errors > $(VENV)/errors.md && mv $(VENV)/errors.md docs/errors.md
	@$(BIN)/countinghouse roles > $(VENV)/roles.md && mv $(VENV)/roles.md docs/roles.md

.PHONY: psql
psql: $(VENV)/.run ## Open psql on the embedded database, as its administrator
	@$(BIN)/countinghouse psql

.PHONY: bench bench-quick bench-ledger bench-crowd bench-growth
bench: $(VENV)/.dev ## Run the whole benchmark and write bench/RESULTS.md, then payments, a crowd and all of growth
	@$(BIN)/python -m bench --output bench/RESULTS.md
	@$(MAKE) bench-ledger
	@$(MAKE) bench-crowd
	@$(MAKE) bench-growth

bench-quick: $(VENV)/.dev ## Run three works of it, in under two minutes
	@$(BIN)/python -m bench --quick

bench-ledger: $(VENV)/.dev ## Move money and place orders for five minutes, check the books and write bench/LEDGER.md
	@$(BIN)/python -m bench.ledger --output bench

bench-crowd: $(VENV)/.dev ## Let 2,000 people look and write for ten minutes and write bench/CROWD.md
	@$(BIN)/python -m bench.crowd --output bench

bench-growth: $(VENV)/.dev ## Ask more and more rows, tenants and documents for hours, and write bench/GROWTH.md
	@$(BIN)/python -m bench.growth --output bench

.PHONY: node
node: ## Install what the tests of JavaScript clients need, where there is npm
	@if command -v npm >/dev/null 2>&1; then $(MAKE) tests/clients/node_modules/.installed; \
		else echo 'There is no npm here: the tests of JavaScript clients will not run.'; fi

.PHONY: pooler
pooler: ## Fetch what the tests through PgBouncer need, where it is not installed and there is apt
	@if test -n '$(POOLER)'; then :; \
		elif command -v apt-get >/dev/null 2>&1 && echo 'Fetching PgBouncer from the distribution into $(CACHE) (once; 1 MB)' \
			&& sh tests/harness/fetch_pgbouncer.sh $(CACHE)/pgbouncer; then :; \
		else echo 'There is no PgBouncer here: the tests through it will not run.'; fi

.PHONY: lock
lock: $(VENV)/.dev ## Take new versions of the dependencies into the lock files
	@$(BIN)/uv pip compile --upgrade --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--no-emit-index-url pyproject.toml --extra traces --group build --output-file requirements.lock
	@$(BIN)/uv pip compile --upgrade --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--no-emit-index-url pyproject.toml --extra traces --group build --group dev --constraint requirements.lock \
		--output-file requirements-dev.lock
	@cd tests/clients && npm install --package-lock-only --silent

.PHONY: clean
clean: ## Remove the environment and what tools leave behind; the embedded database stays
	@rm -rf $(VENV) $(CACHE) .hypothesis .ruff_cache tests/clients/node_modules dist
	@find src tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment. A stamp is written last, so that an interrupted installation is taken up again.
$(VENV)/.made:
	@test -n '$(PYTHON)' || { echo 'Countinghouse needs Python 3.11 or newer, and found none on the path; \
	name one with `make run PYTHON=/path/to/python3`.' >&2; exit 1; }
	@echo 'Making an environment in $(VENV)'
	@$(PYTHON) -m venv --clear $(VENV) || { echo 'This Python cannot make an environment. On Debian and Ubuntu: \
	apt install python3-venv' >&2; exit 1; }
	@touch $@

$(VENV)/.run: $(VENV)/.made requirements.lock pyproject.toml
	@echo 'Installing what the server needs (once; about 100 MB)'
	@$(INSTALL) requirements.lock
	@$(INSTALL_SELF)
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements-dev.lock
	@echo 'Installing what the tests need (once; about 300 MB)'
	@$(INSTALL) requirements-dev.lock
	@touch $@

tests/clients/node_modules/.installed: tests/clients/package-lock.json
	@echo 'Installing the JavaScript clients that the tests use'
	@cd tests/clients && npm ci --silent --no-audit --no-fund --ignore-scripts
	@touch $@
