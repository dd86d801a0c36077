# Everything runs in .venv, which the first target that needs it makes (scripts/setup.sh). Nothing is installed twice.
VENV_PYTHON = .venv/bin/python

.PHONY: help demo serve test check docs bench bench-bulk soak clean

help:
	@echo 'make demo    set everything up, print every sample over HTTP, check the files: out/demo/'
	@echo 'make serve   run the service on http://127.0.0.1:8000/'
	@echo 'make test    set the test tools up as well, and run all tests'
	@echo 'make check   format, lint, types, the rooms, and docs that are up to date'
	@echo 'make docs    write docs/reference/ anew from the models, draw docs/pictures/'
	@echo 'make bench   cards per second and latency, beside other libraries: build/bench.json'
	@echo 'make bench-bulk  up to a million people from Parquet to a reconciled package: build/bench-bulk.json'
	@echo 'make soak    kill batches a hundred times, on a store that fails one request in ten; issue a million: build/soak*.json'
	@echo 'make clean   remove .venv and everything that was made'

demo:
	@scripts/setup.sh
	@$(VENV_PYTHON) -m docgen.demo

serve:
	@scripts/setup.sh
	@.venv/bin/docgen serve

# By name, so that the files of batches, the longest, are not begun last. The tests begin a hundred processes: what these
# load is compiled once, also where the environment forbids Python to keep what it has compiled.
test:
	@scripts/setup.sh dev
	@PYTHONDONTWRITEBYTECODE= $(VENV_PYTHON) -m pytest -n auto --dist loadfile --no-loadscope-reorder

check:
	@scripts/setup.sh dev
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@$(VENV_PYTHON) -m pytest -q tests/test_docs.py

docs:
	@scripts/setup.sh dev
	@$(VENV_PYTHON) -m scripts.reference
	@$(VENV_PYTHON) -m scripts.pictures

bench:
	@scripts/setup.sh bench
	@$(VENV_PYTHON) -m bench

# PEOPLE="10000 30000" measures as many; without it some 25 minutes, and 4 GB of disk for a million.
bench-bulk:
	@scripts/setup.sh bench
	@$(VENV_PYTHON) -m bench.bulk $(PEOPLE)

soak:
	@scripts/setup.sh dev
	@$(VENV_PYTHON) -m soak
	@$(VENV_PYTHON) -m bench.bulk 1000000 --most-mb 400 --out build/soak-bulk.json

clean:
	rm -rf .venv build dist out .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
