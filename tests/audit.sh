#!/usr/bin/env bash
# Licences, duplicate versions, sources and advisories of every dependency, by cargo-deny.
#
# Outside the tests because building cargo-deny takes minutes and advisories need their database.
set -euo pipefail

cd "$(dirname "$0")/.."

version=0.20.2
if ! .local/cargo/bin/cargo-deny --version 2>/dev/null | grep -qF "$version"; then
  cargo install --locked --quiet --root .local/cargo "cargo-deny@$version"
fi
.local/cargo/bin/cargo-deny --config .deny.toml check licenses bans sources
# Without the advisory database nothing is known about vulnerabilities, and silence would claim there are none.
if ! .local/cargo/bin/cargo-deny --config .deny.toml check advisories; then
  echo 'audit: advisories were NOT cleared: a known one applies, or the advisory database cannot be reached' >&2
  exit 1
fi
