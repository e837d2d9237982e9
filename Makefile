# Kendro: make build, make demo, make test. `make help` lists the rest.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := build

GO ?= go
# Packages built or tested at once. Tests start whole clusters: two are enough.
JOBS ?= 2
# Tests of one package at once: most of their time goes into waiting, for elections and disks.
PARALLEL ?= 4
PKG ?= ./...
# More flags for go test, such as -short or -run.
TESTFLAGS ?=
# Executions for each fuzz target. Seconds fail under load, so it counts.
FUZZTIME ?= 200000x
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unversioned)
TOOL := $(GO) tool -modfile=tools/go.mod

.PHONY: help build check test race fault sim storm day fuzz bench demo fmt fmt-check generate generated-check vet lint deploy-check clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

build: ## the one binary, static, into bin/kendro
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags '-s -w -X main.version=$(VERSION)' -o bin/kendro ./cmd/kendro

check: fmt-check vet lint ## the quick round: formatting, vet, lint, short tests
	$(GO) test -short -p $(JOBS) $(TESTFLAGS) $(PKG)

test: fmt-check generated-check vet lint ## everything that CI runs, on every package
	$(GO) test -p $(JOBS) -parallel $(PARALLEL) -timeout 20m $(TESTFLAGS) $(PKG)

race: ## all tests under the race detector
	CGO_ENABLED=1 $(GO) test -race -p $(JOBS) -timeout 30m $(TESTFLAGS) $(PKG)

fault: ## kill, cut and flip bytes; count what is left (FAULT_ARGS=-full: all of it)
	@$(GO) test -tags fault -list . ./internal/faulttest/... | grep '^Test' >/dev/null || \
		{ echo 'fault: internal/faulttest has no test' >&2; exit 1; }
	$(GO) test -tags fault -timeout 60m -count=1 -v ./internal/faulttest/... $(FAULT_ARGS)

sim: build ## a simulated district: 500 seeds, 5 with 83 boxes, planted faults
	bin/kendro sim district --seeds 500
	bin/kendro sim district --seeds 5 --nodes 83
	$(GO) test -tags fault -timeout 30m -count=1 -v -run Planted ./cmd/kendro/sim

storm: ## 200 storms of random entries on the register (STORM: the first seed)
	$(GO) test -timeout 60m -count=1 -v -run TestNothingStopsApply ./hub/register -storms=200 -storm=$(or $(STORM),1)

day: build ## a district's day at the counters, worked on until nothing is left
	bin/kendro sim day

fuzz: ## every fuzz target for FUZZTIME executions
	@GO='$(GO)' .ci/fuzz '$(FUZZTIME)' $(PKG)

bench: build ## intake, sync and ingest, as docs/benchmarks.md explains them
	bin/kendro bench intake --output json
	bin/kendro bench sync --output json
	bin/kendro bench ingest --output json

demo: build ## a whole district on this machine
	bin/kendro demo $(DEMO_ARGS)

fmt: ## write every file as gofumpt and gci want it
	$(TOOL) golangci-lint fmt

fmt-check:
	@$(TOOL) golangci-lint fmt --diff || { echo 'formatting: run make fmt' >&2; exit 1; }

generate: ## write the code that is generated from templates
	$(TOOL) templ generate -log-level warn

generated-check:
	@.ci/generated $(TOOL) templ generate -log-level warn

vet:
	$(GO) vet -tags fault $(PKG)

lint:
	$(TOOL) golangci-lint run $(PKG)

deploy-check: ## units, settings and limits of the service files
	deploy/check

clean: ## delete what make made
	rm -rf bin
