# Every target does its own set-up, inside this folder, and skips what is done. Needs Python 3.11 or 3.12 and Node >= 18.
.DEFAULT_GOAL := help
.PHONY: help demo test build lint format gas slow mutants runtime dev clean distclean

export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/node_modules/.bin:$(PATH)
LIMIT := python scripts/toolchain/limit.py
PYTHON_SUITES := tests/unit tests/attacks tests/regression tests/invariant tests/process

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

demo: runtime ## Black Thursday on a local chain, with a report (ARGS="..." goes to `plimsoll demo`)
	@python scripts/toolchain/compile.py
	@$(LIMIT) 900 plimsoll demo $(ARGS)

test: build ## every suite, then the gas figures
	@scripts/toolchain/test.sh
	@$(MAKE) --no-print-directory gas

build: dev ## compile for the package and for brownie
	@scripts/toolchain/build.sh

lint: dev ## ruff, mypy, forge fmt, solhint
	ruff check .
	ruff format --check .
	mypy
	forge fmt --check contracts interfaces
	solhint --disc --max-warnings 0 'contracts/**/*.sol' 'interfaces/**/*.sol'

format: dev ## let ruff and forge rewrite the sources
	ruff check --fix .
	ruff format .
	forge fmt contracts interfaces

gas: runtime ## gas of each operation against gas.json
	@python scripts/toolchain/compile.py
	@$(LIMIT) 600 plimsoll gas --check gas.json

slow: build ## long campaigns (an hour or more)
	@$(LIMIT) 14400 pytest -p no:pytest-brownie -m slow -n 2 --dist worksteal $(PYTHON_SUITES)

mutants: build ## break the contracts in known ways; a named test must notice each
	@$(LIMIT) 14400 python scripts/mutants.py $(ARGS)

runtime:
	@scripts/toolchain/bootstrap.sh runtime

dev:
	@scripts/toolchain/bootstrap.sh dev

clean: ## remove what was built, keep the installed packages
	rm -rf build out cache .pytest_cache .hypothesis .ruff_cache .mypy_cache
	find . -name __pycache__ -not -path './.venv/*' -not -path './node_modules/*' -prune -exec rm -rf {} +

distclean: clean ## remove the installed packages as well
	rm -rf .venv node_modules *.egg-info
