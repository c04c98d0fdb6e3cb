# Two commands do everything: `make report` builds the report, `make test` runs the tests.
# Needs GNU make 3.81 or later, Python 3.11 or later, and git; .venv is made on the first call.
#
# What is stale is decided by make alone: this file keeps the environment, ncpi_eval/pages.mk the
# pages. `make report` holds a lock and calls the second with the parameters of this call stamped.

.DELETE_ON_ERROR:
.SUFFIXES:
.DEFAULT_GOAL := help

# Not to be set by a call: whatever is typed is a parameter of the report, or nothing.
override VENV := .venv
override READY := $(VENV)/ready
override RUN := $(VENV)/bin/python

# What was typed as NAME=value after make. The values go to Python as one inert text and are taken
# from the environment of everything else, because make would expand $(shell ...) in them.
GIVEN := $(foreach name,$(.VARIABLES),$(if $(filter command,$(origin $(name))),$(name)))
NCPI_EVAL_CALL := $(MAKEOVERRIDES)
MAKEOVERRIDES =
export NCPI_EVAL_CALL
export NCPI_EVAL_MAKE := $(MAKE)
ifneq ($(strip $(GIVEN)),)
unexport $(GIVEN)
endif

# Only these take parameters; anywhere else they would be ignored in silence.
ifneq ($(filter-out report extract force-brief force-briefs coding-sheets setup,$(or $(MAKECMDGOALS),help)),)
ifneq ($(filter-out PYTHON,$(GIVEN)),)
$(error only report, extract, coding-sheets, force-brief and force-briefs take parameters; found $(filter-out PYTHON,$(GIVEN)))
endif
endif

.PHONY: help setup lab report extract force-brief force-briefs test check check-pages scan data
.PHONY: bench accept lock clean coding-sheets

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

setup: $(READY) ## make .venv from requirements.lock, by hash

lab: $(READY) ## open JupyterLab on the notebooks; what they write stays in outputs/.lab
	@NCPI_EVAL_WRITE="$(CURDIR)/outputs/.lab" $(RUN) -m jupyterlab \
	    --ServerApp.root_dir=. --allow-root --LabApp.default_url=/lab/tree/notebooks

report: $(READY) ## build what is stale and publish outputs/index.html; SURVEY=file and others
	+@$(RUN) -S -m ncpi_eval.build report

extract: $(READY) ## read documents, without the report, into outputs/results; DOCUMENTS=folder
	@$(RUN) -m ncpi_eval.build extract

force-brief: $(READY) ## one force's page, FORCE=code or name; SURVEY=file and others
	@$(RUN) -m ncpi_eval.briefs force-brief

force-briefs: $(READY) ## a page for each force of the survey's world; SCHEDULER=tcp://host:port
	@$(RUN) -m ncpi_eval.briefs force-briefs

coding-sheets: $(READY) ## sheets for people to code, in outputs/coding; CODERS="Ann Ben" DOCUMENTS=folder
	@$(RUN) -m ncpi_eval.coding_sheets sheets

test: $(READY) ## run the tests
	@$(RUN) -m pytest

check: $(READY) ## lint, format, types, notebooks, parameters, import map, no count of people
	@$(RUN) -m ncpi_eval.checks

check-pages: $(READY) ## open the built pages in Chromium: axe-core, keyboard, requests, links
	@$(RUN) -m ncpi_eval.pages_check

scan: $(READY) ## look for respondents, names and small counts in the published report
	@$(RUN) -m ncpi_eval.scanner

data: $(READY) ## make everything in data/synthetic again, from its seeds
	@$(RUN) -m ncpi_eval.synthesis
	@$(RUN) -m ncpi_eval.synthesis_documents

bench: $(READY) ## time the build and the tabulation against other tools, see benchmarks/README.md
	@$(RUN) -m benchmarks

accept: $(READY) ## store the published results as reviewed, in tests/expected
	@$(RUN) -S -m ncpi_eval.build accept

lock: ## make requirements.lock from pyproject.toml; needs uv
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-emit-find-links --no-header \
	    --extra dev pyproject.toml --output-file requirements.lock

clean: ## remove what make built: .venv, outputs and caches
	@$(FIND_PYTHON); "$$python" -I ncpi_eval/environment.py clean

# A Python of the right age, by name; PYTHON=... on the command line or in the environment wins.
FIND_PYTHON = python=; \
	for name in "$$NCPI_EVAL_PYTHON" python3 python3.14 python3.13 python3.12 python3.11 python; do \
	    if [ -n "$$name" ] && "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	        > /dev/null 2>&1; then python=$$name; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	    echo "Python 3.11 or later is needed, but here is: `python3 --version 2>&1`." \
	         "Install one, or name it: make PYTHON=/path/to/python3" >&2; exit 1; \
	fi
export NCPI_EVAL_PYTHON := $(value PYTHON)

# Written last, so that an interrupted setup is not mistaken for a finished one.
$(READY): requirements.lock ncpi_eval/environment.py
	@$(FIND_PYTHON); "$$python" -I ncpi_eval/environment.py setup
