# `make` alone lists the targets. Every target sets up what it needs.
.DEFAULT_GOAL := help
.PHONY: help setup tour test lint pages docs bench clean
PY := .venv/bin/python

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' Makefile

setup: ## make .venv, or do nothing when it is up to date
	@PYTHON='$(PYTHON)' sh scripts/setup.sh

tour: setup ## measure every exercise quickly on real data and write report/index.html
	@$(PY) -m zth tour

test: lint ## lint, types, doctests, unit and end-to-end tests
	@$(PY) -m pytest -n 2 --dist worksteal

lint: setup ## ruff (check and format) and mypy --strict
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy

pages: setup ## write docs/exercises from the exercise folders; judges what has changed
	@$(PY) scripts/exercise_pages.py

docs: pages ## build the documentation site into site/
	@NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict --quiet

bench: setup ## measure side by side with the baselines; prints ratios
	@$(PY) bench/run.py

clean: ## remove what the other targets made (never my-zth/ or runs/)
	@rm -rf .venv report site dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find src tests bench -name __pycache__ -prune -exec rm -rf {} +
