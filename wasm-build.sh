#!/usr/bin/env bash
# Builds every filter into dist/, as dist/<name>.wasm with dist/<name>.meta.json beside it (what Kong
# wants to see next to a filter), and refuses a result that is too large or would not load in a gateway.
set -euo pipefail
cd "$(dirname "$0")"

# The most one filter may have, in bytes. Every worker of the gateway compiles and keeps it.
budget_bytes=921600

target=wasm32-wasip1
target_dir="${CARGO_TARGET_DIR:-target-wasm}"
filters=(correlation-id jwt-auth pricing-cache)

if ! rustup target list --installed | grep -qx "$target"; then
    rustup target add "$target"
fi

packages=()
for filter in "${filters[@]}"; do
    packages+=(-p "jobzy-filter-$filter")
done
cargo build --locked --profile wasm --target "$target" --target-dir "$target_dir" "${packages[@]}"

mkdir -p dist
modules=()
failed=0
for filter in "${filters[@]}"; do
    # Letters, digits and underscores only: Kong's metrics exporter breaks on a hyphen.
    name="jobzy_${filter//-/_}"
    module="dist/$name.wasm"
    # A gateway may be reading the old file: replace it, do not write into it.
    cp "$target_dir/$target/wasm/$name.wasm" "$module.new"
    mv "$module.new" "$module"
    cp "filters/$filter/meta.json" "dist/$name.meta.json"
    modules+=("$module")

    bytes=$(stat -c %s "$module")
    printf '%-32s %7d bytes, %3d %% of the budget\n' "$module" "$bytes" $((bytes * 100 / budget_bytes))
    if ((bytes > budget_bytes)); then
        echo "$module is larger than $budget_bytes bytes" >&2
        failed=1
    fi
done

# What a module imports decides whether Kong and Envoy can load it at all.
cargo run --quiet --locked -p jobzy-host --bin wasm_imports -- "${modules[@]}" || failed=1
exit "$failed"
