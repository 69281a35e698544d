# up: the whole product on this machine   test · lint: what every change must pass   bench · chaos · fuzz: measurements
PYTHON_BIN = .venv/bin/python
SECONDS ?= 600

.PHONY: up test lint bench chaos fuzz environment environment-dev
.SILENT:

environment:
	deploy/environment requirements.txt

environment-dev:
	deploy/environment requirements.txt requirements-s3.txt requirements-dev.txt

up: environment
	exec $(PYTHON_BIN) manage.py up

test: environment-dev
	exec $(PYTHON_BIN) -m tests

lint: environment-dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	HIGHWAY_DEBUG=1 VAR_DIR=.mypy_cache .venv/bin/mypy .
	deploy/check

bench: environment-dev
	$(PYTHON_BIN) bench/imports.py
	exec $(PYTHON_BIN) bench/engine.py

chaos: environment-dev
	exec $(PYTHON_BIN) bench/chaos.py --seconds $(SECONDS)

fuzz: environment-dev
	exec $(PYTHON_BIN) bench/fuzz.py --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))
