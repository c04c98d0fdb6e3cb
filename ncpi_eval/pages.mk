# What each page needs, for make: read by `make report` through ncpi_eval/build.py, which has
# stamped the parameters of the call and holds the lock. Two generated files are included:
# rules.mk says what report.toml declares, imports.mk which package modules each notebook imports.
#
# A stamp is touched only when its content changed, and a result is written only when it changed,
# so what follows from an unchanged result is not built again.
#
# Each page is a request to the server that build.py starts for the first of them (server.py).

.DELETE_ON_ERROR:
.SECONDARY:
.SUFFIXES:
.DEFAULT_GOAL := published

B := outputs/.build
RUN := .venv/bin/python
include $(B)/rules.mk

SOURCES := $(wildcard ncpi_eval ncpi_eval/*.py ncpi_eval/*/ ncpi_eval/*/*.py)
TEMPLATES := $(wildcard ncpi_eval/templates ncpi_eval/templates/* ncpi_eval/templates/*/*)
DONE := $(PAGES:%=$(B)/stamps/pages/%)

# The folders themselves are listed too: a module that was removed changes nothing else.
$(B)/imports.mk: notebooks notebooks/report.toml $(NOTEBOOKS) $(SOURCES)
	@$(RUN) -S -m ncpi_eval.dependencies $@
include $(B)/imports.mk

# A page's stamp is written when the page is whole; make would delete it if it is interrupted then.
.PRECIOUS: $(DONE)

.PHONY: published
published: $(B)/stamps/published

$(DONE): $(B)/stamps/pages/%: notebooks/%.ipynb $(B)/stamps/declared/% $(B)/stamps/lock $(TEMPLATES)
	@$(RUN) -SP ncpi_eval/client.py page $*

# A result that somebody removed takes its page's stamp with it; build.py sees to that.
$(RESULTS):
	@:

$(B)/stamps/published: $(DONE) $(B)/stamps/site $(B)/stamps/commit $(INDEX_MODULES) $(TEMPLATES) \
    $(wildcard data/release/*.csv data/quality/* tests tests/expected tests/expected/*.csv) \
    $(wildcard *.md pyproject.toml)
	@$(RUN) -SP ncpi_eval/client.py publish
