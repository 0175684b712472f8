# What people and CI run. It needs Go and make, and nothing else.

SHELL := /bin/sh
.DEFAULT_GOAL := help

BIN     := bin/muster
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null)
LDFLAGS := -s -w $(if $(VERSION),-X main.release=$(VERSION))
TOOL    := go tool -modfile=.ci/tools/go.mod

# The race detector needs cgo and a C compiler.
CC_NAME := $(firstword $(shell go env CC))
RACE    := $(shell test "$$(go env CGO_ENABLED)" = 1 && command -v $(CC_NAME) >/dev/null && echo -race)

FUZZTIME ?= 30s
SIZE     ?= small
OUT      ?= sample
SEED     ?= 1
BENCH    ?= .
PKG      ?= ./...

.PHONY: help build demo test check lint bench bench-inventory pace chaos fuzz sample sim-targets clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build the binary into bin/muster
	@mkdir -p bin
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/muster

demo: build ## play a Log4Shell campaign on this machine; open the address it prints
	@./$(BIN) demo

test: ## run all tests, with the race detector where a C compiler is (PKG=./configs/...)
	@echo "Testing $(if $(RACE),with,WITHOUT) the race detector$(if $(RACE),, (it needs cgo and the C compiler $(CC_NAME)))."
	$(if $(RACE),,CGO_ENABLED=0 )go test $(RACE) $(PKG)

lint: ## format, vet, staticcheck and tidy, without the tests
	@echo "gofumpt"; bad="$$($(TOOL) gofumpt -l .)" || exit 1; \
		if [ -n "$$bad" ]; then echo "Not formatted (run: $(TOOL) gofumpt -w .):"; echo "$$bad"; exit 1; fi
	@echo "go vet"; go vet ./...
	@echo "staticcheck"; $(TOOL) staticcheck ./...
	@echo "go mod tidy"; go mod tidy -diff

check: lint test ## lint, test, and no file changed: what must hold before a commit
	@if git rev-parse --git-dir >/dev/null 2>&1; then git diff --exit-code --stat || { echo "Files differ from the last commit."; exit 1; }; fi

bench: ## run the benchmarks (BENCH=Rollup PKG=./campaign/...)
	go test -run '^$$' -bench '$(BENCH)' -benchmem $(PKG)

bench-inventory: ## match a folder of 1 GB of SBOMs, beside encoding/json
	MUSTER_BENCH_MB=1024 go test -run '^$$' -bench MatchCommand -benchtime 1x ./cmd/muster

pace: ## launch at the limits of Slack and Jira (needs redis-server), and print how long it took as JSON
	@CI=true MUSTER_PACE=1 go test -count=1 -timeout 10m -run '^TestPacedLaunch$$' -v ./campaign >.pace.log 2>&1; status=$$?; \
		grep '^{' .pace.log; if [ $$status -ne 0 ]; then grep -A8 'Error Trace' .pace.log; fi; rm -f .pace.log; exit $$status

chaos: ## kill replicas and Redis under a launch of 5,000 tickets (SEED=1 repeats a run)
	@cd cmd/muster && MUSTER_CHAOS=full go test -run '^TestChaos$$' -count=1 -timeout 40m

fuzz: ## run each fuzz test for FUZZTIME (30s)
	FUZZ_BUDGET=86400 ./.ci/fuzz $(FUZZTIME)

sample: build ## write a made-up company and its days as files (SIZE=small|medium|full|NUMBER OUT=sample SEED=1)
	./$(BIN) demo --write '$(OUT)' --size '$(SIZE)' --seed $(SEED)

sim-targets: ## play 14 days of the full company (SIZE) and hold every state against the truth; one JSON line
	@GOGC=300 MUSTER_SIM=$(if $(filter file,$(origin SIZE)),full,$(SIZE)) SEED=$(SEED) go test -run '^TestFortnight$$' -count=1 -timeout 60m -v ./campaign >.sim.log 2>&1; status=$$?; \
		grep '^{' .sim.log; if [ $$status -ne 0 ]; then grep -A12 'Error Trace' .sim.log; fi; rm -f .sim.log; exit $$status

clean: ## remove what build made
	rm -rf bin
