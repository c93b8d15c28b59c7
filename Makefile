# Everything that this file makes is in .venv and .cache; `git clean -fdX` takes it all away.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
CACHE := .cache
COLLECTION := $(CACHE)/collections/ansible_collections/oom/rescue
CONNECTIONS := $(CACHE)/collections/.connections
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

# The program ./rescue does the work; these targets hand it what was set on their command line, each as one word. A switch
# or variable that they do not know stops them: make itself takes `--check` for another switch of its own.
RESCUE_TARGETS := rescue diagnose verify rollback
RESCUE_VARIABLES := INVENTORY LIMIT LOG REPORT CHECK ARGS PYTHON
ifneq ($(filter $(RESCUE_TARGETS),$(MAKECMDGOALS)),)
UNKNOWN := $(filter-out $(RESCUE_VARIABLES),$(foreach name,$(filter-out -%,$(.VARIABLES)),\
	$(if $(findstring command line,$(origin $(name))),$(name))))
ifneq ($(UNKNOWN),)
$(error $(firstword $(UNKNOWN)) is no variable of these targets: they take $(RESCUE_VARIABLES), as in make rescue CHECK=1)
endif
ifneq ($(findstring L,$(firstword -$(MAKEFLAGS))),)
$(error --check is a switch of make's own here: run make rescue CHECK=1, or ./rescue remediate --check)
endif
endif
export INVENTORY LIMIT LOG REPORT CHECK
define play
@set --; \
	if [ -n "$$INVENTORY" ]; then set -- "$$@" --inventory "$$INVENTORY"; fi; \
	if [ -n "$$LIMIT" ]; then set -- "$$@" --limit "$$LIMIT"; fi; \
	if [ -n "$$LOG" ]; then set -- "$$@" --log "$$LOG"; fi; \
	if [ -n "$$REPORT" ]; then set -- "$$@" --report "$$REPORT"; fi; \
	if [ -n "$$CHECK" ]; then set -- "$$@" --check --diff; fi; \
	./rescue $(1) "$$@" $(ARGS)
endef

.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z][a-z0-9.-]*:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

env: $(VENV)/.env $(COLLECTION) ## make .venv with ansible-core, and let it find this collection

env-2.16: env $(CACHE)/core-2.16/.env ## make .cache/core-2.16, for servers whose Python is too old for a newer ansible-core

dev: env $(VENV)/.dev $(CONNECTIONS) ## add what the checks and tests need to .venv and .cache

$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import ensurepip' 2> /dev/null || tests/host/install python3-venv
	$(PYTHON) -m venv $(VENV)

$(VENV)/.env: requirements/env.txt | $(VENV)/pyvenv.cfg
	$(VENV)/bin/python -m pip install --quiet --requirement $<
	@touch $@

$(VENV)/.dev: requirements/dev.txt requirements/env.txt | $(VENV)/.env
	$(VENV)/bin/python -m pip install --quiet --requirement $<
	@touch $@

$(CACHE)/core-2.16/.env: requirements/env-2.16.txt | $(VENV)/pyvenv.cfg
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --requirement $<
	@touch $@

$(CACHE)/core-2.16/.done: requirements/core-2.16.txt $(CACHE)/core-2.16/.env
	$(@D)/bin/python -m pip install --quiet --requirement $<
	@touch $@

$(CONNECTIONS): requirements/collections.txt | $(VENV)/.env
	tests/host/collections $< $(CACHE)/collections
	@touch $@

$(COLLECTION):
	@mkdir -p $(@D)
	@ln -sfn ../../../.. $@

rescue: ## the main job, ./rescue remediate; CHECK=1 changes nothing, INVENTORY=... LIMIT=... ARGS=...
	$(call play,remediate)

diagnose: ## say why this machine, or the one that LOG=file was copied from, ran out of memory
	$(call play,diagnose)

verify: ## prove that each remedy holds, now and after a reboot
	$(call play,verify)

rollback: ## bring back what was there before
	$(call play,rollback)

rescue diagnose verify rollback: env

lint: dev ## ruff, yamllint, ansible-lint (production, remembered), argument specs against defaults, changelog fragments, REUSE
	ruff check .
	yamllint --strict .
	tests/lint/argument_specs.py
	tests/lint/role_readmes.py
	antsibull-changelog lint
	reuse lint --quiet
	tests/lint/ansible

unit: dev ## the unit tests, under each Python from 2.7 to 3.14 that is on this host
	@type bzip2 xz zstd > /dev/null 2>&1 || tests/host/install bzip2 xz-utils zstd
	tests/unit/matrix

sanity: dev ## ansible-test sanity on a copy, remembered until something changes
	tests/sanity/run sanity

NEWEST := 2.21
newest: dev ## ansible-test sanity by the newest ansible-core that is released, on a Debian 13 root where no Python here is new enough
	CELLS=sanity tests/cores/matrix $(NEWEST) || { cat $(CACHE)/matrix/$(NEWEST)*.log; exit 1; }

matrix: dev ## sanity, ansible-test's units and the playbooks with each ansible-core from 2.16 on; remembered; CORES='2.21 2.16'
	tests/cores/matrix $(CORES)

stranger: ## what README says, on bare roots of Debian 12 and 13 where nothing is installed, as root; no part of `test`
	@tests/host/install git mmdebstrap
	tests/host/stranger

molecule: dev $(CACHE)/core-2.16/.done ## the container scenarios that CI runs; or SCENARIO=swap PLATFORM=trixie; or SCENARIO=all
	@tests/host/install podman runc mmdebstrap
	molecule/run $(SCENARIO) $(PLATFORM)

integration: dev ## swap files and sysctl programs on this machine's own kernel, hosts that come back as they were, Podman's own words, as root
	@tests/host/install btrfs-progs e2fsprogs mmdebstrap openssh-client podman procps runc strace systemd xfsprogs
	tests/integration/run swap swappiness round_trip breaks runit why

playbooks: dev $(CACHE)/core-2.16/.done ## the program, playbooks and roles on this machine, as root
	@tests/host/install e2fsprogs openssh-client openssh-server procps strace sudo
	tests/integration/run playbooks

$(CACHE)/axe/.done: requirements/page.txt | $(VENV)/.env
	$(VENV)/bin/python -m pip install --quiet --no-deps --upgrade --target $(@D) --requirement $<
	@touch $@

page: dev $(CACHE)/axe/.done ## the page in Chromium: axe, light and dark, on a phone, printed
	@tests/host/install chromium poppler-utils
	tests/integration/run page

attacks: dev ## what an unprivileged user, a log, a container or a node may try, on machines of its own, as root
	@tests/host/install e2fsprogs mmdebstrap podman runc strace util-linux
	tests/attacks/run $(ARGS)

KERNELS ?= 6.1
ROWS ?= *
test-vm: dev ## the outage on real kernels, in virtual machines: KERNELS='6.1 6.12 7.2', SCENARIO=outage_vm_systemd
	@tests/host/install $$(cat tests/vm/packages.txt)
	SCENARIO='$(SCENARIO)' molecule/run-vm $(KERNELS)

test-vm-all: dev ## all that needs virtual machines, for hours; goes on where it was stopped, then a table; ROWS='swap*'
	@tests/host/install $$(cat tests/vm/packages.txt)
	tests/vm/all --rows '$(ROWS)'

# The longest first, but unit, which fills two processors by itself; what takes turns with this machine's swap is one class.
test: dev $(CACHE)/core-2.16/.done ## all that CI runs: lint, unit, newest, integration, playbooks, page, attacks, molecule, test-vm; not test-vm-all, bench, fuzz
	tests/run test-vm swap:molecule playbooks swap:integration attacks unit newest page lint

check: dev ## the fast subset: lint, and beside it the unit tests under one Python without the slow ones
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target lint quick

# Modules that the tests are compiled to are kept, where a machine's own setting would have them compiled anew each time.
quick: dev
	PYTHONDONTWRITEBYTECODE= PYTHONPYCACHEPREFIX=$(CURDIR)/$(CACHE)/pycache pytest -q -m 'not slow' --numprocesses auto --dist worksteal

eda: dev ## the rulebook of extensions/eda, run by a real ansible-rulebook, which needs Java 17, against a virtual machine too; no part of `test`
	tests/eda/run

runner: ## a job of ansible-runner, on this machine and in an execution environment of Debian's packages; no part of `test`
	tests/runner/run

bench: env ## measure on this machine: the playbooks, into docs/benchmarks.md; then logs, limits, fleets, swap; PEERS=DIR beside other roles
	python tests/bench/table.py --write
	for bench in tests/bench/bench_*.py; do flock /tmp/host-swap.lock python $$bench || exit 1; done

$(CACHE)/mutate/.done: requirements/mutate.txt requirements/dev.txt requirements/env.txt | $(VENV)/pyvenv.cfg
	$(PYTHON) -m venv $(@D)/env
	$(@D)/env/bin/python -m pip install --quiet --requirement $<
	@touch $@

mutate: $(CACHE)/mutate/.done ## change the code in COUNT places of each group, drawn by SEED, and say which changes no unit test notices
	$(CACHE)/mutate/env/bin/python tests/mutate/run.py --count $(or $(COUNT),100) --seed $(or $(SEED),1) $(GROUPS)

fuzz: env ## 100,000 broken logs through the log reader, 20,000 broken files through the others; RUNS=n for other numbers
	tests/fuzz/fuzz_oom_log.py --runs $(or $(RUNS),100000)
	tests/fuzz/fuzz_readers.py --runs $(or $(RUNS),20000)

TEXTS := ../shared/triage
triage: env ## the verdict on real texts, where they lie beside this checkout: how many are right, by kind; NOISE=1 puts each into 10,000 lines
	@if [ -e $(TEXTS)/score.py ]; then \
		mkdir -p $(CACHE) && $(PYTHON) tests/unit/noise.py > $(CACHE)/noise.log && \
		$(PYTHON) $(TEXTS)/score.py $(TEXTS)/texts.json --wrong $(if $(NOISE),--noise $(CACHE)/noise.log) -- ./rescue diagnose --json -; \
	else echo 'no texts are beside this checkout: the kinds are in the unit tests of _report/signals.py'; fi

$(CACHE)/site/env/.done: requirements/site.txt requirements/env.txt | $(VENV)/pyvenv.cfg
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --requirement $<
	@touch $@

site: env $(CACHE)/site/env/.done ## build the documentation's site by antsibull-docs, guides included, without a warning of ours
	.ci/site

changelog: dev ## put the fragments of changelogs/ into CHANGELOG.md, below the version of galaxy.yml
	antsibull-changelog release --update-existing --version $$(sed -n 's/^version: //p' galaxy.yml)

build: env ## build the collection's tarball
	$(VENV)/bin/ansible-galaxy collection build --force

pyz: ## make oom-rescue.pyz: diagnosis and where as one file that any Python from 2.7 on runs, without Ansible
	$(PYTHON) plugins/plugin_utils/single_file.py oom-rescue.pyz

release: env ## make dist/: tarball, oom-rescue.pyz, checksums, notes; and the tag; up to the upload
	.ci/release

clean: ## take away all that was made here
	git clean -fdX

.PHONY: help env env-2.16 dev rescue diagnose verify rollback lint unit sanity newest matrix stranger integration playbooks page attacks molecule test-vm test-vm-all test check quick eda runner bench fuzz mutate triage site changelog build pyz release clean
