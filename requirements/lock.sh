#!/usr/bin/env bash
# Writes every lock file again, with hashes and no URLs, for Python 3.11 and newer:
#   core.txt    what a user of the demo installs        server.txt  core + the PostgreSQL driver
#   dev.txt     server + tests + linters + browser      build.txt   what installs and builds it
#   bench.txt   server + the peers that benchmarks/ compares with: they live in .venv-bench
#   tools.txt   linters that clash with Faust's click: they live in .venv-tools
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PATH:$PWD/.venv/bin"
lock() {
  out=requirements/$1
  shift
  uv pip compile -q "$@" --no-strip-extras --python-version 3.11 --universal --generate-hashes \
    --no-emit-index-url --no-emit-find-links --no-header --no-annotate -o "$out"
}
lock core.txt pyproject.toml
lock build.txt requirements/build.in -c requirements/core.txt
lock server.txt pyproject.toml --extra postgres -c requirements/core.txt
lock dev.txt pyproject.toml --extra postgres --group test --group lint --group browser \
  -c requirements/core.txt -c requirements/build.txt
lock tools.txt requirements/tools.in
lock bench.txt pyproject.toml --extra postgres --group bench # its peers pin older versions of what we use
