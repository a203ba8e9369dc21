# Every target installs what it needs; see README.md.
.PHONY: run tour build test lint audit clean

run: build
	target/debug/jobzy-local run

tour: build
	target/debug/jobzy-local tour

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
