#!/usr/bin/env bash
# Writes the two lock files, hashes and no URLs: core.txt (what a user installs) and dev.txt (core + extras + tests + linters).
set -euo pipefail
cd "$(dirname "$0")/.."
lock() { out=$1; shift; uv pip compile -q pyproject.toml "$@" --python-version 3.11 --universal --generate-hashes --no-emit-index-url --no-header --no-annotate -o "$out"; }
lock requirements/core.txt
lock requirements/dev.txt --extra postgres --group test --group lint --group browser -c requirements/core.txt
