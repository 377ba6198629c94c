#!/usr/bin/env bash
# Every check that needs no broker. Runs them side by side, shows the ones that fail, exits 1 if
# any did.
set -uo pipefail
cd "$(dirname "$0")/.."
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
names=()
pids=()

check() {
  names+=("$1")
  name=$1
  shift
  "$@" >"$out/$name" 2>&1 </dev/null &
  pids+=($!)
}

check types .venv/bin/mypy
check lint .venv/bin/ruff check
check format .venv/bin/ruff format --check
check dead .venv/bin/vulture
check imports .venv/bin/lint-imports
check schemas .venv/bin/lgsp schemas check
check documents .venv/bin/pytest -q -p no:cacheprovider tests/docs tests/deploy
check coverage deploy/coverage.sh
check compose .venv-tools/bin/docker-compose --env-file .env.example config --quiet
check dockerfile .venv-tools/bin/hadolint deploy/Dockerfile

failed=()
for i in "${!names[@]}"; do
  if wait "${pids[$i]}"; then
    printf '  ok    %s\n' "${names[$i]}"
  else
    printf '  FAIL  %s\n' "${names[$i]}"
    cat "$out/${names[$i]}"
    failed+=("${names[$i]}")
  fi
done
if [ "${#failed[@]}" -gt 0 ]; then
  printf 'check: failed: %s\n' "${failed[*]}"
  exit 1
fi
printf 'check: all passed in %s s\n' "$SECONDS"
