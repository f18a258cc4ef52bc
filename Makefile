# What people run. `make run` needs Rust alone; `make test` installs the rest where it may.

CARGO ?= cargo

.PHONY: help run test languages lint advisories book snippets packaging model bench bench-peers bench-instructions faults fuzz docs clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

run: ## Start the server with a demo tenant on http://127.0.0.1:8000
	$(CARGO) run -- serve --demo

test: ## Install what the tests need, then lint and run every test on both databases
	./tests/services/install
	$(MAKE) lint languages
	./tests/services/with $(CARGO) test --workspace --no-fail-fast
	PORTCULLIS_TEST_BACKEND=postgres ./tests/services/with $(CARGO) test --workspace --no-fail-fast --test suite
	./tests/proxies target/debug/portcullis
	$(MAKE) book

languages: ## Lint and test what is not Rust: the guards of other languages, and the examples
	./tests/languages

lint: ## Formatting, clippy and the documentation, warnings denied; licences and sources of packages
	$(CARGO) fmt --all --check
	$(CARGO) fmt --manifest-path fuzz/Cargo.toml --check
	$(CARGO) metadata --locked --format-version 1 --manifest-path fuzz/Cargo.toml >/dev/null
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --no-deps --workspace --document-private-items --features portcullis-guard/axum,portcullis-guard/rocket,portcullis-guard/tower
	./tests/services/deny licenses bans sources

advisories: ## Look for known weaknesses of packages, where github.com is reached
	./tests/services/deny advisories

book: ## Make a book of the documents, in target/book
	./tests/services/book

snippets: ## Try each program that init and the console show: installed, walked and stopped, ten minutes
	$(CARGO) build
	target/clients/python/bin/python tests/snippets --portcullis target/debug/portcullis --snippets templates/snippets --guard guard --work target/snippets

packaging: ## Check what is in packaging/ with a binary of packaging/release, as far as the machine can
	./packaging/check

model: ## Check the model of endings at its larger size, a few minutes
	PORTCULLIS_MODEL=large $(CARGO) test -p portcullis-model --release

bench: ## Measure, as ratios taken in one run
	./tests/services/install
	PORTCULLIS_TEST_POSTGRES_SETTINGS= ./tests/services/with ./benches/run

bench-peers: ## Measure beside Keycloak and Ory Hydra, on one PostgreSQL in one run
	./tests/services/install
	PORTCULLIS_TEST_POSTGRES_SETTINGS= ./tests/services/with ./benches/peers

bench-instructions: ## Count the instructions of the main requests; fails where one has 3 % more than it had
	@command -v callgrind_control >/dev/null || { echo "make bench-instructions needs valgrind" >&2; exit 1; }
	$(CARGO) bench --quiet --bench instructions

faults: ## Kill the server a thousand times on each database, and look whether anything was lost
	./tests/services/install
	PORTCULLIS_TEST_KILLS=1000 ./tests/services/with $(CARGO) test --workspace --test suite -- --nocapture faults::kills
	PORTCULLIS_TEST_KILLS=1000 PORTCULLIS_TEST_BACKEND=postgres ./tests/services/with $(CARGO) test --workspace --test suite -- --nocapture faults::kills

fuzz: ## Hostile bytes to each reader, a minute each; hostile requests to every route, twenty minutes
	./fuzz/readers
	./fuzz/run

docs: ## Print what the documents show of the code
	PORTCULLIS_WRITE_DOCS=1 $(CARGO) test --workspace --test suite -- docs::

clean: ## Remove what was built and the demo's data
	$(CARGO) clean
	rm -rf data
