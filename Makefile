# The three things to know: make demo, make test, make lint. `make` alone lists them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Passed on to `manage.py demo` or to pytest: make demo ARGS=--once, make test ARGS="-k archive".
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo test lint messages

# A module that exists only while makemessages runs: it does not read errors.toml.
ERROR_TEXTS := seedance/catalogue/_error_texts.py

help: ## list what there is to make
	@sed -n 's/^\([a-z]*\):.*## /make \1\t/p' $(MAKEFILE_LIST) | expand -t 14

demo: $(VENV)/.demo-installed ## start the site and make a first video; ARGS=--once ends when it is stored
	@$(BIN)/python manage.py demo $(ARGS)

test: $(VENV)/.test-installed ## run the whole test-suite; ARGS goes to pytest
	@$(BIN)/python -m pytest -n auto $(ARGS)

lint: $(VENV)/.test-installed ## check format, style, types, settings and migrations
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python manage.py check --fail-level WARNING
	$(BIN)/python manage.py makemigrations --check --dry-run

messages: $(VENV)/.test-installed ## collect the messages for translators and compile them; needs GNU gettext
	@trap 'rm -f $(ERROR_TEXTS) project/templates' EXIT; set -e; \
	$(BIN)/python -m scripts.error_texts gettext > $(ERROR_TEXTS); ln -s ../templates project/templates; \
	(cd seedance && ../$(BIN)/django-admin makemessages -l zh_Hans -l ja --no-location --no-obsolete); \
	(cd project && ../$(BIN)/django-admin makemessages -l zh_Hans -l ja --symlinks --no-wrap --no-location --no-obsolete); \
	for app in seedance project; do (cd $$app && ../$(BIN)/django-admin compilemessages); done

# The stamps are newer than what they were installed from; touch or change that, and it is installed again.
$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.13 …" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.demo-installed: requirements.txt $(VENV)/.created
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.test-installed: pyproject.toml $(VENV)/.demo-installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	@touch $@
