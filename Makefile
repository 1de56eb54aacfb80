# Rackwright. `make help` lists the targets; out/ is what is built here, CACHE what is fetched and kept.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help build install images arm demo test fuzz check bench clean

export RACKWRIGHT_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/rackwright
export PATH := $(PATH):/usr/sbin:/sbin:/usr/local/go/bin
GO = $$(scripts/findgo)
# the programs carry the commit they were built from, where git can tell it
STAMP := $(shell git rev-parse -q --verify HEAD >/dev/null 2>&1 || echo -buildvcs=false)
GOBUILD = CGO_ENABLED=0 $(GO) build -trimpath $(STAMP) -ldflags "-s -w" -o out/bin/
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.8.0
TIMEOUT ?= 40m
PKG ?= ./dhcp
FUZZTIME ?= 1m
PREFIX ?= /usr/local
SHARE = $(DESTDIR)$(PREFIX)/share

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' Makefile

build: ## static programs into out/bin
	@scripts/need build
	@mkdir -p out/bin
	@$(GOBUILD) ./cmd/rackwright ./cmd/racksim
	@GOOS=linux GOARCH=amd64 $(GOBUILD) ./cmd/rackwright-agent

install: build ## programs, manual pages and completions under DESTDIR and PREFIX (/usr/local)
	@install -d "$(DESTDIR)$(PREFIX)/bin" "$(SHARE)/man/man1" "$(SHARE)/bash-completion/completions" "$(SHARE)/zsh/site-functions" "$(SHARE)/fish/vendor_completions.d"
	@install -m 0755 out/bin/rackwright out/bin/rackwright-agent "$(DESTDIR)$(PREFIX)/bin/"
	@out/bin/rackwright man "$(SHARE)/man/man1"
	@out/bin/rackwright completion bash >"$(SHARE)/bash-completion/completions/rackwright"
	@out/bin/rackwright completion zsh >"$(SHARE)/zsh/site-functions/_rackwright"
	@out/bin/rackwright completion fish >"$(SHARE)/fish/vendor_completions.d/rackwright.fish"

images: build ## the demo's disk image and the netboot ramdisk, into the cache
	@scripts/need demo
	@scripts/mkimage "$(RACKWRIGHT_CACHE)/images/debian.raw"
	@scripts/ramdisk out/bin

arm: build ## the netboot ramdisk for arm64, into the cache, where apt has a kernel for it
	@scripts/need demo
	@GOOS=linux GOARCH=arm64 $(GOBUILD)rackwright-agent-arm64 ./cmd/rackwright-agent
	@scripts/ramdisk --arch arm64 out/bin

demo: images ## two virtual machines, BIOS and UEFI, from power-on to active; KEEP=1 leaves it running
	@$(GO) build -o out/bin/ ./integration/demo
	@exec out/bin/demo -cache "$(RACKWRIGHT_CACHE)" -bin out/bin -out out $(if $(filter-out 0,$(KEEP)),-keep)

test: ## every test: units, both databases, real clients in namespaces, real firmware
	@scripts/need test
	@$(MAKE) --no-print-directory images
	@$(MAKE) --no-print-directory arm || echo "no ramdisk for arm64 (see above): its tests are skipped"
	@scripts/gotest -timeout $(TIMEOUT) ./...

# Options stand in maps, so one message takes other ways each time and an input that found one
# does not get shorter by Go's look of a minute at it: without the bound that is all it does.
fuzz: ## each fuzz target of PKG (./dhcp) for FUZZTIME (1m)
	@for f in $$($(GO) test $(PKG) -list '^Fuzz' | grep '^Fuzz'); do \
		$(GO) test $(PKG) -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 100x; done

check: ## formatting, vet, staticcheck, import law, known vulnerabilities, generated files
	@scripts/need check
	@STATICCHECK=$(STATICCHECK) GOVULNCHECK=$(GOVULNCHECK) scripts/check

bench: ## figures beside the peers' into out/bench.jsonl; ONLY=dhcp for some of them
	@scripts/need bench
	@$(MAKE) --no-print-directory images
	@CGO_ENABLED=0 $(GO) build -o out/bin/ ./integration/bench ./integration/bench/writer
	@exec out/bin/bench -only "$(ONLY)"

clean: ## removes out/; the cache stays (rm -r $(RACKWRIGHT_CACHE) to be rid of it)
	@rm -rf out
