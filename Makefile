# SPDX-License-Identifier: MIT

VERSION ?= 1.0.0
GO ?= go
# A number of inputs; at the end of a time go test may call the last input a failure.
FUZZTIME ?= 500000x
# -E has the program see which signals it was started to ignore.
LDFLAGS = -s -w -X main.version=$(VERSION) -E daemontools-go/internal/sys.entry

# Without this each program under test waits a second at its end with -race.
export GORACE ?= atexit_sleep_ms=0

.PHONY: build test race fuzz bench try lint clean help

build: ## build/bin: the binary, and a symlink for each command
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)' -o build/bin/daemontools ./cmd/daemontools
	@find build/bin -type l -delete
	@names=$$(build/bin/daemontools --list) && for name in $$names; do \
		test "$$name" = daemontools || ln -sf daemontools "build/bin/$$name" || exit; \
	done

test: ## go vet and go test, then what was skipped and why; TESTFLAGS goes to go test
	$(GO) vet ./...
	@echo '$(GO) test -count=1 $(TESTFLAGS) ./...'
	@{ $(GO) test -count=1 -v $(TESTFLAGS) ./... 2>&1; echo "=== EXIT $$?"; } | awk "$$report"

race: ## the tests under the race detector
	@$(MAKE) --no-print-directory test TESTFLAGS='-race $(TESTFLAGS)'

fuzz: ## each fuzz target for FUZZTIME (500000x)
	@listing=$$($(GO) test -list '^Fuzz' ./...) || { echo "$$listing"; exit 1; }; \
	echo "$$listing" | awk '/^Fuzz/ { names[++n] = $$1 } /^ok/ { for (; n; n--) print names[n], $$2 }' | { \
		failed=0; \
		while read -r name package; do \
			echo "$$name in $$package"; \
			$(GO) test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) "$$package" </dev/null || failed=1; \
		done; \
		exit $$failed; \
	}

bench: build ## ours beside the originals; BENCHFLAGS goes to the program
	$(GO) run ./internal/bench $(BENCHFLAGS)

try: build ## an example tree in build/try, run and shown until ctrl-C
	@sh cmd/daemontools/try.sh build/bin build/try

lint: ## every linter, with the versions of .ci/go.mod
	.ci/lint

clean: ## remove what was built
	rm -rf build

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "%-8s %s\n", $$1, $$2 }' Makefile

# Skips show only with -v, which buries the rest. So what a test says is kept
# until its verdict, and printed when that is not PASS.
define report
BEGIN { status = 1 }
/^=== EXIT / { status = $$3; next }
/^=== (RUN|CONT|NAME) / { test = $$3; next }
/^=== PAUSE / { next }
/^ *--- (PASS|FAIL|SKIP): / {
	if ($$2 == "FAIL:") printf "%s%s\n", said[$$3], $$0
	if ($$2 == "SKIP:") skips[++skipped] = "--- SKIP: " $$3 ": " ($$3 in reason ? reason[$$3] : "no reason given")
	delete said[$$3]
	delete reason[$$3]
	test = ""
	next
}
/^PASS$$/ { test = ""; next }
/^(ok  |FAIL)\t/ {
	test = ""
	for (name in said) {
		if ($$1 == "FAIL") printf "%s: no verdict\n%s", name, said[name]
		delete said[name]
	}
}
test != "" {
	said[test] = said[test] $$0 "\n"
	# testscript logs the whole script after the reason.
	if ($$1 ~ /\.go:[0-9]+:$$/ && $$1 !~ /^testscript/) {
		sub(/^[^:]*:[0-9]+: /, "")
		reason[test] = $$0
	}
	next
}
{ print; fflush() }
END {
	if (skipped) printf "\n%d skipped:\n", skipped
	for (i = 1; i <= skipped; i++) print skips[i]
	exit status
}
endef
export report
