.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

unexport PYTHONDONTWRITEBYTECODE # some containers set it, and every process would compile everything again

.PHONY: help run serve test lint format messages diagram screenshots bench clean

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

run: $(VENV)/run.stamp ## Set everything up and run a demo on 127.0.0.1 (PORT=8000)
	@FIELDAPP_DEMO=1 exec $(BIN)/python -m fieldapp.serve

serve: $(VENV)/run.stamp ## Run for real: never seeds; see docs/deployment.md
	@exec $(BIN)/python -m fieldapp.serve

test: $(VENV)/dev.stamp ## Set everything up and run every check and test, on SQLite and PostgreSQL
	@deploy/install-test-tools
	@$(MAKE) --no-print-directory lint
	@$(BIN)/python -m pytest $(or $(ARGS),-n 4 --dist loadfile --no-loadscope-reorder)

lint: $(VENV)/dev.stamp ## Linter, types and layering
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

format: $(VENV)/dev.stamp ## Put the code in shape
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

messages: $(VENV)/dev.stamp ## Collect new words for the English catalogue
	@$(BIN)/pybabel -q extract -F babel.cfg -k lazy_gettext --no-location --sort-output -o fieldapp/translations/messages.pot fieldapp templates
	@$(BIN)/pybabel -q update --no-fuzzy-matching --ignore-obsolete -i fieldapp/translations/messages.pot -d fieldapp/translations -l en

diagram: $(VENV)/dev.stamp ## Draw the life of a case into docs/architecture.md
	@$(BIN)/python -m docs.draw

screenshots: $(VENV)/dev.stamp ## Take the pictures of docs/screens again
	@$(BIN)/python -m pytest tests/browser --screenshots -q

bench: $(VENV)/dev.stamp ## Measure everything but bench_desk.py, which fills a million rows (see bench/README.md)
	@for one in $$(ls bench/bench_*.py | grep -v bench_desk.py); do $(BIN)/python $$one || exit 1; done

clean: ## Remove the environment and caches (never the instance)
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	@echo "Making the environment (once) …"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: requirements.txt fieldapp/translations/en/LC_MESSAGES/messages.po | $(BIN)/python
	@$(BIN)/python -m pip install -q --disable-pip-version-check -r requirements.txt
	@$(BIN)/pybabel -q compile -d fieldapp/translations
	@touch $@

$(VENV)/dev.stamp: requirements-dev.txt $(VENV)/run.stamp
	@$(BIN)/python -m pip install -q --disable-pip-version-check -r requirements-dev.txt
	@touch $@
