# Needs make and Python 3.11, 3.12 or 3.13. All else goes into .venv.

.DEFAULT_GOAL := help
.PHONY: help demo test lint unit contract docs galaxy integration report sanity matrix matrix-sample faults faults-sample hosts molecule bench clean
# The steps of `make test` run one after the other, cheapest first, also under -j.
.NOTPARALLEL:

PY := .venv/bin/python
PYTEST = $(PY) -m pytest
# Two processes suit the tests that start emulators: each process has its own.
WORKERS ?= 2
ARGS ?=
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/.venv/collections
# Lint and sanity call programs of the environment by name.
export PATH := $(CURDIR)/.venv/bin:$(PATH)

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@printf '\n%s\n' 'ARGS="-k word" goes to pytest; KEEP=1 makes the demo leave its emulator running; PYTHON= names an interpreter.'

demo: .venv/demo.stamp ## From nothing to the end state, on an emulator that enforces IAM; KEEP=1 to look around
	@$(PY) demo/run.py $(if $(KEEP),--keep) $(ARGS)

test: lint unit contract docs galaxy integration report sanity matrix-sample faults-sample hosts molecule ## All of these but demo, matrix, faults and bench

lint: .venv/test.stamp ## ruff, mypy, yamllint, ansible-lint
	ruff check .
	ruff format --check .
	mypy
	yamllint --strict .
	ansible-lint --offline --strict

unit: .venv/test.stamp ## Unit tests
	$(PYTEST) tests/unit -n $(WORKERS) $(ARGS)

contract: .venv/test.stamp ## What holds for every file of the collection
	$(PYTEST) tests/contract $(ARGS)

galaxy: .venv/test.stamp ## The built collection through Ansible Galaxy's own importer
	$(PY) tests/galaxy/run.py

integration: .venv/test.stamp ## Modules, roles and playbooks against both emulators
	$(PYTEST) tests/integration -n $(WORKERS) $(ARGS)

report: .venv/test.stamp ## The audit's page in a real browser; on Debian as root it installs chromium
	sh tests/report/install.sh
	$(PYTEST) tests/report $(ARGS)

sanity: .venv/test.stamp ## ansible-test sanity
	$(PY) tests/sanity/run.py $(ARGS)

matrix: .venv/test.stamp ## All tests but the bench and hosts with each row of tests/matrix/rows.toml
	$(PY) tests/matrix/run.py --workers $(WORKERS) $(ARGS)

matrix-sample: .venv/test.stamp ## The oldest and newest versions, with the tests nearest to them
	$(PY) tests/matrix/run.py --sample --workers $(WORKERS) $(ARGS)

faults: .venv/test.stamp ## The bench of docs/faults.md, whole, which it writes its counts into; SEED=2 draws others. Needs what hosts needs
	FAULTS=all $(MAKE) --no-print-directory faults-sample

faults-sample: .venv/test.stamp ## A sample of the bench: faults, races, misbehaving hosts, hostile input, secrets
	sh tests/hosts/install.sh
	rm -rf tests/output/faults
	$(PYTEST) tests/faults -n $(WORKERS) --dist worksteal $(ARGS)
	$(PY) -m tests.faults.page

hosts: .venv/test.stamp ## Real systemd hosts in podman; on Debian as root it installs podman
	sh tests/hosts/install.sh
	$(PY) -m tests.support.systemd_hosts
	$(PYTEST) tests/hosts -n $(WORKERS) --dist loadfile $(ARGS)

molecule: .venv/test.stamp ## Molecule's scenarios, on containers; SCENARIO=name runs one. Needs what hosts needs, or MOLECULE_ENGINE
	[ -n "$$MOLECULE_ENGINE" ] || sh tests/hosts/install.sh
	$(PY) -m tests.support.molecule_scenarios --workers $(WORKERS) $(SCENARIO)

bench: .venv/bench.stamp ## Time and calls against amazon.aws, into docs/speed.md; ARGS="--rounds 1 documents" for a part. Needs what hosts needs
	sh tests/hosts/install.sh
	$(PY) -m tests.benchmark.run $(ARGS)
	$(PY) -m tests.benchmark.scale

docs: .venv/docs.stamp ## The site: guides and reference, in tests/output/docs/html
	antsibull-changelog lint
	antsibull-changelog lint-changelog-yaml changelogs/changelog.yaml
	mkdir -p tests/output
	antsibull-changelog generate --output tests/output/CHANGELOG.rst
	cmp CHANGELOG.rst tests/output/CHANGELOG.rst
	antsibull-docs lint-collection-docs --plugin-docs --validate-collection-refs=all .
	$(PY) docs/docsite/build.py tests/output/docs

clean: ## Remove what make made
	rm -rf .venv .ansible .mypy_cache .pytest_cache .ruff_cache .hypothesis tests/output hybridops-aws_agents-*.tar.gz

INSTALL := requirements/venv.sh requirements/fetch_collections.py requirements/constraints.txt requirements/collections.txt requirements/demo.txt

# An environment that was copied from elsewhere, or whose Python is gone, is made anew.
STALE := $(shell [ "$$(cat .venv/made-in 2>/dev/null)" = "$$(pwd -P)" ] && .venv/bin/python -c '' 2>/dev/null || rm -f .venv/*.stamp)

.venv/demo.stamp: $(INSTALL)
	@sh requirements/venv.sh demo

.venv/test.stamp: $(INSTALL) requirements/test.txt
	@sh requirements/venv.sh test

.venv/docs.stamp: $(INSTALL) requirements/test.txt requirements/docs.txt
	@sh requirements/venv.sh docs

.venv/bench.stamp: $(INSTALL) requirements/test.txt requirements/bench.txt
	@sh requirements/venv.sh bench
