# Every target installs what it needs; see README.md.
.PHONY: run tour build test lint audit clean

# The runner ends with make, and everything else with the runner.
runner := setpriv --pdeathsig TERM -- $(or $(CARGO_TARGET_DIR),target)/debug/jobzy-local

run: build
	$(runner) run

tour: build
	$(runner) tour

build:
	deploy/local/install.sh run
	./wasm-build.sh
	cargo build --locked --bins

test:
	deploy/local/install.sh run test
	./wasm-build.sh
	cargo build --locked --bins
	cargo test --locked --workspace

lint:
	deploy/local/install.sh lint
	tests/lint.sh

audit:
	tests/audit.sh

clean:
	rm -rf target target-wasm dist .local
