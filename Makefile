# Everything that this file makes is in .venv and .cache; `git clean -fdX` takes it all away.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
CACHE := .cache
COLLECTION := $(CACHE)/collections/ansible_collections/oom/rescue
CONNECTIONS := $(CACHE)/collections/.connections
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

# A play is quiet: what changed, then the summary. Without INVENTORY it is about this machine. What Ansible says of an
# error is in the summary too, but for hosts that gave no answer, and for what kept a play from starting.
REPORT := oom-rescue-report
QUIET := ANSIBLE_DISPLAY_OK_HOSTS=false ANSIBLE_DISPLAY_SKIPPED_HOSTS=false ANSIBLE_DISPLAY_FAILED_STDERR=true \
	ANSIBLE_LOCALHOST_WARNING=false ANSIBLE_INVENTORY_UNPARSED_WARNING=false ANSIBLE_PYTHON_INTERPRETER=auto_silent \
	$(if $(INVENTORY),ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED=true)
HOSTS = $(if $(INVENTORY),--inventory '$(INVENTORY)',--extra-vars rescue_hosts=localhost) $(if $(LIMIT),--limit '$(LIMIT)')
LOGS = $(if $(LOG),--extra-vars '{"diagnose_controller_logs": ["$(LOG)"]}')
OPTIONS = $(HOSTS) $(LOGS) --extra-vars report_dir='$(abspath $(REPORT))' $(if $(CHECK),--check --diff) $(ARGS)
define play
@mkdir -p -m 0700 $(REPORT) && rm -f $(REPORT)/summary.txt
@$(QUIET) ansible-playbook oom.rescue.$(1) $(OPTIONS) 2> $(REPORT)/errors.txt; \
	status=$$?; \
	if ! [ -f $(REPORT)/summary.txt ] || grep -q 'gave no answer' $(REPORT)/summary.txt; then \
		grep '^fatal:' $(REPORT)/errors.txt || cat $(REPORT)/errors.txt; fi; \
	if [ -f $(REPORT)/summary.txt ]; then cat $(REPORT)/summary.txt; fi; exit $$status
endef

.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

env: $(VENV)/.env $(COLLECTION) ## make .venv with ansible-core, and let it find this collection

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

$(CACHE)/core-2.16/.done: requirements/core-2.16.txt | $(VENV)/pyvenv.cfg
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --requirement $<
	@touch $@

$(CONNECTIONS): requirements/collections.txt | $(VENV)/.env
	tests/host/collections $< $(CACHE)/collections
	@touch $@

$(COLLECTION):
	@mkdir -p $(@D)
	@ln -sfn ../../../.. $@

rescue: ## the main job: diagnose, remedy, verify, report; CHECK=1 changes nothing, INVENTORY=... LIMIT=... LOG=file
	$(call play,remediate)

# A log that was copied here is for any user to read.
diagnose: OPTIONS += $(if $(LOG),$(if $(INVENTORY)$(filter 0,$(shell id -u)),,--extra-vars ansible_become=false))
diagnose: ## say why this machine, or the one that LOG=file was copied from, ran out of memory
	$(call play,diagnose)

verify: ## prove that each remedy holds, now and after a reboot
	$(call play,verify)

rollback: ## bring back what was there before
	$(call play,rollback)

rescue diagnose verify rollback: env

lint: dev ## ruff, yamllint, ansible-lint (production, remembered), argument specs against defaults
	ruff check .
	yamllint --strict .
	tests/lint/argument_specs.py
	tests/lint/ansible

unit: dev ## the unit tests, under each Python from 2.7 to 3.14 that is on this host
	@type bzip2 xz zstd > /dev/null 2>&1 || tests/host/install bzip2 xz-utils zstd
	tests/unit/matrix

sanity: dev ## ansible-test sanity on a copy, remembered until something changes
	tests/sanity/run

molecule: dev $(CACHE)/core-2.16/.done ## the container scenarios that CI runs; or SCENARIO=swap PLATFORM=trixie; or SCENARIO=all
	@tests/host/install podman runc mmdebstrap
	molecule/run $(SCENARIO) $(PLATFORM)

integration: dev $(CACHE)/core-2.16/.done ## the playbooks, swap files and sysctl programs on this machine's own kernel, as root
	@tests/host/install btrfs-progs e2fsprogs openssh-client procps strace systemd xfsprogs
	tests/integration/run

attacks: dev ## what an unprivileged user, a log, a container or a node may try, on machines of its own, as root
	@tests/host/install e2fsprogs strace util-linux
	tests/attacks/run $(ARGS)

KERNELS ?= 6.1
ROWS ?= *
test-vm: dev ## the outage on real kernels, in virtual machines: KERNELS='6.1 6.12 7.2', SCENARIO=outage_vm_systemd
	@tests/host/install $$(cat tests/vm/packages.txt)
	SCENARIO='$(SCENARIO)' molecule/run-vm $(KERNELS)

test-vm-all: dev ## all that needs virtual machines, for hours; goes on where it was stopped, then a table; ROWS='swap*'
	@tests/host/install $$(cat tests/vm/packages.txt)
	tests/vm/all --rows '$(ROWS)'

# Virtual machines and what needs one processor beside what takes turns with this machine's swap.
test: dev $(CACHE)/core-2.16/.done ## all that CI runs: lint, unit, sanity, integration, attacks, molecule, test-vm; not test-vm-all, bench, fuzz
	tests/run 'test-vm sanity lint' 'molecule integration attacks unit'

check: lint ## the fast subset: lint, and the unit tests under one Python without the slow ones
	pytest -q -m 'not slow'

bench: env ## measure on this machine: reading logs, making swap
	for bench in tests/bench/bench_*.py; do flock /tmp/host-swap.lock python $$bench || exit 1; done

fuzz: env ## 100,000 broken logs through the log reader; RUNS=n for another number
	tests/fuzz/fuzz_oom_log.py --runs $(or $(RUNS),100000)

build: env ## build the collection's tarball
	$(VENV)/bin/ansible-galaxy collection build --force

clean: ## take away all that was made here
	git clean -fdX

.PHONY: help env dev rescue diagnose verify rollback lint unit sanity integration attacks molecule test-vm test-vm-all test check bench fuzz build clean
