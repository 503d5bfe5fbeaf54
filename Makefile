# Banyan needs Go, a C compiler (for SQLite) and make. Everything else here is
# fetched by Go at the versions that go.mod names.

GO            ?= go
TEST_FLAGS    := $(if $(RACE),-race) -timeout $(if $(RACE),45m,30m)
# With the race detector, on a machine that others use, a deadline may pass: at most
# three failures are tried once more, each by itself, and named. A race never is.
RERUN         := $(if $(RACE),--rerun-fails=1 --rerun-fails-max-failures=3 --rerun-fails-abort-on-data-race --rerun-fails-report=bin/again.txt)
LINT_VERSION  := v2.15.0
DEAD_VERSION  := v0.52.0
VULN_VERSION  := v1.9.0
# The vulnerability database as a Go module, so that a check has one answer, also
# without the network; `make vuln VULNDB=https://vuln.go.dev` asks the one of today.
VULNDB_VERSION := v0.0.0-20261105234957-e22db6528018
SBOM_VERSION  := v1.10.0
VULN          := $(shell $(GO) env GOPATH)/bin/govulncheck-$(VULN_VERSION)
SBOM          := $(shell $(GO) env GOPATH)/bin/cyclonedx-gomod-$(SBOM_VERSION)
VULNDB_DIR    := $(CURDIR)/.cache/vulndb-$(VULNDB_VERSION)
VULNDB        ?= file://$(VULNDB_DIR)
# The Go that releases are built with: what go.mod names, where GOTOOLCHAIN lets it.
TOOLCHAIN     := $(shell $(GO) mod edit -json | sed -n 's/.*"Toolchain": "\(.*\)".*/\1/p')
DEAD          := $(shell $(GO) env GOPATH)/bin/deadcode-$(DEAD_VERSION)
LINT          := $(shell $(GO) env GOPATH)/bin/golangci-lint-$(LINT_VERSION)
VERSION       := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
# How long `make soak` takes.
SOAK          ?= 30m
# What computes, reads files and needs no C compiler.
ARM64         := ./platform/merkle/... ./platform/wallet ./platform/atomicfile ./platform/decompress ./platform/table ./platform/memory ./platform/identity/signin/siwe \
                 ./modules/airdrop/list ./modules/airdrop/offline ./modules/reputation/trustlist ./modules/reputation/trust \
                 ./modules/exchangereview/ranking ./modules/exchangereview/reviewlist
# The packages whose contract has example files.
CONTRACTS      = $(addprefix ./,$(shell grep -rl --include=*_test.go "func TestContractFiles" modules platform | xargs -n1 dirname | sort))
BUILD         := $(GO) build -trimpath -ldflags "-s -w -X main.version=$(VERSION)"
# bench/banyan.pgo is written by `make -C bench profile`. With it every package is
# compiled again: a first build took 548 s of CPU time, and 301 s without. So a
# release has the profile, and what one builds to look at or to work on does not.
PROFILE       := -pgo=bench/banyan.pgo

# The packages with files that are compiled with the development chain only, which is
# large: its tests, and those of contracts and indexers on it.
DEVCHAIN       = $(addprefix ./,$(shell grep -rl --include=*.go '^//go:build devchain' modules platform web cli test | xargs -n1 dirname | sort -u))
DEVCHAIN_TESTS = $(shell grep -rl --include=*_test.go '^//go:build devchain' modules platform web cli test | xargs grep -ohE '^func Test[A-Za-z0-9]+' | sed 's/func //' | paste -sd'|')
CONTRACT_FILES := modules/airdrop/contracts

.PHONY: run build build-fast test test-arm64 fig move bench-move capacity soak chaos lint dead vuln sbom bench bench-reputation bench-merkle compare-merkle bench-ranking bench-contracts contracts demo ci screenshots generate help

help: ## say what can be made
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' Makefile

run: build-fast ## build, and serve on SQLite in ./data at http://127.0.0.1:8080
	bin/banyan serve

build: ## build bin/banyan for a release: with the profile of bench/, which takes longer
	$(BUILD) $(PROFILE) -o bin/banyan .

build-fast: ## build bin/banyan without the profile, as run and demo do
	$(BUILD) -o bin/banyan .

test: ## run all tests; those that want PostgreSQL or Chromium say so when they skip
	@mkdir -p bin
	$(GO) tool gotestsum --format pkgname --format-hide-empty-pkg $(RERUN) --packages ./... -- $(TEST_FLAGS)
	@if [ -n "$(RACE)" ] && [ -s bin/again.txt ]; then echo "failed at first and passed alone:"; cat bin/again.txt; fi
	$(GO) tool gotestsum --format pkgname --format-hide-empty-pkg -- $(TEST_FLAGS) -tags devchain -run '^($(DEVCHAIN_TESTS))$$' $(DEVCHAIN)

# Two tests that make or flip very many proofs and bytes take half of the time
# there, and find nothing that the others would not.
test-arm64: ## run the tests of trees, lists and ranks on an emulated arm64 (needs qemu-aarch64-static)
	CGO_ENABLED=0 GOOS=linux GOARCH=arm64 $(GO) test -exec qemu-aarch64-static -timeout 10m \
		-skip '^(TestEveryByteFlipped|TestEveryProofOfTheUniswapAirdrop)$$' $(ARM64)

# Without a package's name go test shows what the test prints while it runs.
fig: ## show what the strangler fig promises, on real processes: one table, about 10 minutes
	cd test/process && $(GO) test -count=1 -timeout 40m -run "^TestFig$$" -fig

move: ## move each module's data to PostgreSQL, to another host and back under load, and disturb 200 moves: one table, about 20 minutes
	cd test/process && $(GO) test -count=1 -timeout 40m -run "^TestMove$$" -fig

bench-move: ## how fast data moves, what a move costs writes and how long they wait, each beside its baseline: about 2 minutes
	$(GO) test -run '^$$' -bench '^Benchmark(Move|Capture)$$' -benchtime 3x ./platform/transfer | grep -E '^(Benchmark|FAIL|panic)'
	$(GO) test -run '^$$' -bench '^Benchmark(HandOver|Fence)$$' -benchtime 3x ./platform/ownership | grep -E '^(Benchmark|FAIL|panic)'

chaos: ## kill, freeze, slow and cut off processes under load and audit what was acknowledged; cut the power of every store: about 3 minutes
	$(GO) test -count=1 -v ./test/powercut
	cd test/process && $(GO) test -count=1 -timeout 40m -v -run "^TestChaos$$" -fig

soak: ## let replicas, NATS, Redis and PostgreSQL fail one after the other for SOAK (30m) under load, and audit what is left
	cd test/process && $(GO) test -count=1 -timeout 3h -run "^TestSoak$$" -v -soak $(SOAK)

capacity: ## what one process holds, what it holds split into four and into twelve: requests by processor time, one table, 4 minutes
	cd test/process && $(GO) test -count=1 -run "^TestCapacity$$" -v -capacity 30s | grep -vE '^(=== |--- |ok|PASS)'

lint: $(LINT) ## vet, lint, check the formatting and go.mod
	$(LINT) run ./...
	$(LINT) run --build-tags devchain $(DEVCHAIN)
	$(GO) mod tidy -diff
	cd bench && $(LINT) run ./... && $(GO) mod tidy -diff

$(LINT):
	GOBIN=$(dir $(LINT)) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)
	mv $(dir $(LINT))golangci-lint $(LINT)

# The program and the client of the tests are all that anybody runs: a function that
# neither of them can reach is not wired. What tests alone need is in _test.go files.
dead: $(DEAD) ## fail on functions that nobody calls
	@found="$$($(DEAD) . ./test/client)" || exit; \
	if [ -n "$$found" ]; then echo "$$found"; echo "call these functions or delete them"; exit 1; fi

$(DEAD):
	GOBIN=$(dir $(DEAD)) $(GO) install golang.org/x/tools/cmd/deadcode@$(DEAD_VERSION)
	mv $(dir $(DEAD))deadcode $(DEAD)

# A flaw of Go itself is one of the Go that builds: releases are checked with theirs,
# and whoever builds with an older one is told.
vuln: $(VULN) $(if $(filter file://$(VULNDB_DIR),$(VULNDB)),$(VULNDB_DIR)) ## fail on known vulnerabilities that the program reaches
	GOTOOLCHAIN=$(TOOLCHAIN) $(VULN) -db $(VULNDB) ./...
	@local="$$($(GO) env GOVERSION)"; if [ "$$local" != "$(TOOLCHAIN)" ]; then \
		echo "WARNING: checked as built with $(TOOLCHAIN), which go.mod names; this machine builds with $$local: unset GOTOOLCHAIN, or install that one"; fi

$(VULN):
	GOBIN=$(dir $(VULN)) $(GO) install golang.org/x/vuln/cmd/govulncheck@$(VULN_VERSION)
	mv $(dir $(VULN))govulncheck $(VULN)

$(VULNDB_DIR):
	mkdir -p $(dir $@)
	reports="$$($(GO) mod download -json golang.org/x/vulndb@$(VULNDB_VERSION) | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')/data/osv" && \
		$(GO) run golang.org/x/vulndb/cmd/indexdb@$(VULNDB_VERSION) -vulns "$$reports" -out $@.part && mv $@.part $@

# The list is of the binary, not of go.mod: what is linked, and no more.
sbom: build-fast $(SBOM) ## write bin/banyan.cdx.json: what the program is made of, in CycloneDX
	$(SBOM) bin -json -std -licenses -version $(VERSION) -output bin/banyan.cdx.json bin/banyan 2>bin/sbom.log || { cat bin/sbom.log; exit 1; }
	@$(GO) version -m bin/banyan | awk '$$1 == "dep" {print $$2 "@" $$3}' | while read -r module; do \
		grep -qF "pkg:golang/$$module" bin/banyan.cdx.json || { echo "bin/banyan.cdx.json lacks $$module"; exit 1; }; done
	@echo "bin/banyan.cdx.json: $$(grep -c '"bom-ref": "pkg:golang/' bin/banyan.cdx.json) components"

$(SBOM):
	GOBIN=$(dir $(SBOM)) $(GO) install github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@$(SBOM_VERSION)
	mv $(dir $(SBOM))cyclonedx-gomod $(SBOM)

bench: ## print the table of benchmarks, each beside its baseline
	$(GO) test -run '^$$' -bench . -benchmem ./... | grep -E '^(Benchmark|pkg:|cpu:|FAIL|panic)'

bench-reputation: ## how well scores tell the trustworthy, what sybils take, and the speed, beside baselines
	$(GO) test -run '^$$' -bench 'Quality|Resistance|Slander|BitcoinOTC' -benchtime 1x ./modules/reputation/evaluation ./modules/reputation/trust | grep -E '^(Benchmark|FAIL|panic)'
	$(GO) test -run '^$$' -bench '^BenchmarkMillion' -benchtime 3x ./modules/reputation/trust | grep -E '^(Benchmark|FAIL|panic)'
	$(GO) test -run '^$$' -bench 'LiveMillion' -benchtime 1000x ./modules/reputation/trust | grep -E '^(Benchmark|FAIL|panic)'
	$(GO) test -run '^$$' -bench 'Attest' -benchtime 2000x ./modules/reputation/service | grep -E '^(Benchmark|FAIL|panic)'
	$(GO) test -run '^$$' -bench 'ScoreStream' -benchtime 5x ./modules/reputation/service | grep -E '^(Benchmark|FAIL|panic)'

bench-merkle: ## trees and claims beside their peers (needs node and npm, too)
	$(MAKE) -C bench

compare-merkle: ## lists, trees and claims beside the tools of others, case by case (needs node and npm, too)
	$(MAKE) -C bench compare

bench-ranking: ## what floods buy, what the interval holds, how fast a ranking is computed again, and 1M reviews are verified
	BANYAN_BENCH_REVIEWS=$${BANYAN_BENCH_REVIEWS:-1000000} $(GO) test -count=1 -run Quality -bench 'Recompute|Lockstep|VerifyRanking' -v ./modules/exchangereview/... | grep -E '^(    [a-z_]+_test.go|Benchmark|---|FAIL|panic)'

bench-contracts: ## gas of claims beside its goals, with the prices of Osaka and of Amsterdam
	$(GO) test -tags devchain -run '^$$' -bench Gas -benchtime 1x ./$(CONTRACT_FILES) | grep -E '^(Benchmark|FAIL|panic)'

contracts: $(CONTRACT_FILES)/node_modules ## compile the contracts that pay campaigns (needs node and npm): commit what it changes
	node $(CONTRACT_FILES)/compile.mjs

$(CONTRACT_FILES)/node_modules: $(CONTRACT_FILES)/package.json $(CONTRACT_FILES)/package-lock.json
	cd $(CONTRACT_FILES) && npm ci --no-audit --no-fund
	touch $@

test/typescript/node_modules: test/typescript/package.json test/typescript/package-lock.json
	cd test/typescript && npm ci --no-audit --no-fund
	touch $@

demo: ## a community to look around in, in a temporary folder, with a chain of its own
	$(BUILD) -tags devchain -o bin/banyan-demo .
	bin/banyan-demo demo

screenshots: ## pictures of every page into ./screenshots (needs Chromium)
	$(GO) test ./web/browser -count=1 -run 'TestScreenshots|TestTheWholeProgram' -screenshots $(CURDIR)/screenshots

generate: ## bring the generated parts up to date: API document, contract examples, dashboards, the exported claim page in German, the README's diagram
	$(GO) test ./test/process ./test/architecture -run "TestAPIDocument|TestImportRule" -update
	$(GO) test $(CONTRACTS) -run TestContractFiles -update
	$(GO) test ./web/language -run TestTheExportedPageInGermanIsCurrent -update
	$(GO) test ./deploy -run "TestDashboardsAreCurrent|TestTheSplitManifestIsCurrent" -update

ci: ## what continuous integration runs
	.ci/run
