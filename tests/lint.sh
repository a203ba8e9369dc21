#!/usr/bin/env bash
# Formatting, clippy for both targets, shell scripts.
set -euo pipefail

cd "$(dirname "$0")/.."

cargo fmt --all --check
cargo clippy --locked --workspace --all-targets -- -D warnings
# The glue of the filters exists on wasm32 only: without this it would never be linted.
rustup target add wasm32-wasip1
CARGO_TARGET_DIR=target-wasm cargo clippy --locked --profile wasm --target wasm32-wasip1 \
  -p jobzy-filter-correlation-id -p jobzy-filter-jwt-auth -p jobzy-filter-pricing-cache -p jobzy-host \
  -- -D warnings
git ls-files -z '*.sh' .ci/run | xargs -0 shellcheck
