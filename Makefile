# Needs Python 3.11 or newer and make; everything else goes into .venv, in the versions of constraints.txt.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
DEMO ?= runs/demo
ROOMS := records training tokenizer prior evaluation downstream reports scripts

.PHONY: demo test check bench results docs generator clean

demo: .venv/installed  ## the whole job on simulated ECGs: data, tokenizer, prior, synthetic ECGs, comparison, report
	[ -f $(DEMO)/data/truth.parquet ] || $(BIN)/vqecg simulate --out $(DEMO)/data --records 1000
	$(BIN)/vqecg run --data $(DEMO)/data --out $(DEMO)/run --preset tiny

test: .venv/installed  ## the whole test suite, slow tests too
	$(BIN)/python -m pytest -m ""

check: .venv/installed  ## lint, format, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@mkdir -p .venv/types && ln -sfn "$(CURDIR)" .venv/types/vqecg  # the installed names, for mypy
	cd .venv/types && ../bin/mypy --config-file vqecg/pyproject.toml $(ROOMS:%=-p vqecg.%)

bench: .venv/installed  ## what is timed and measured, each against a named alternative; figures in runs/benchmarks
	@for name in data.reading data.simulation codec.compression codec.speed sampling.speed sampling.ghost_beats; do \
		echo "== benchmarks/$$name"; file=$$(echo $$name | tr ._ --); \
		$(BIN)/python -m benchmarks.$$name --result runs/benchmarks/$$file.json || exit 1; done

results: .venv/installed  ## docs/results/*.md and the README's table, made of docs/results/*.json
	$(BIN)/python -m benchmarks.results

docs: .venv/installed-docs  ## the documentation site, in build/site; a notebook runs where it or the package changed
	$(BIN)/python docs/site/build.py
	@echo "the site is in build/site/index.html"

# The generator that comes with the package, from simulated ECGs alone: prior/packaged/simulated, in half an hour.
GENERATOR := runs/packaged
generator: .venv/installed
	$(BIN)/vqecg simulate --out $(GENERATOR)/data --records 3000 --seed 2026
	$(BIN)/vqecg prepare --data $(GENERATOR)/data --out $(GENERATOR)/store
	$(BIN)/vqecg train-tokenizer --store $(GENERATOR)/store --out $(GENERATOR)/tokenizer --preset tiny \
		--training.fit.steps 1200 --training.fit.evaluate-every 300
	$(BIN)/vqecg train-prior --store $(GENERATOR)/store --tokenizer $(GENERATOR)/tokenizer --out $(GENERATOR)/prior --preset tiny \
		--task all --training.fit.steps 1500 --training.fit.evaluate-every 250 --training.sketch.steps 800 --training.detail.steps 600
	cp -r $(GENERATOR)/prior/generator/. prior/packaged/simulated

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "vqecg needs Python 3.11 or newer: make PYTHON=...")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $@

.venv/installed-docs: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev,docs]"
	@touch $@

clean:
	rm -rf .venv runs build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
