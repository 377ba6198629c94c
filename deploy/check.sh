#!/usr/bin/env bash
# Every check that needs no broker. Runs them all, names the ones that fail, exits 1 if any did.
set -uo pipefail
cd "$(dirname "$0")/.."
failed=()
started=$SECONDS

check() {
  name=$1
  shift
  if output=$("$@" 2>&1 </dev/null); then
    printf '  ok    %s\n' "$name"
  else
    printf '  FAIL  %s\n%s\n' "$name" "$output"
    failed+=("$name")
  fi
}

check lint .venv/bin/ruff check
check format .venv/bin/ruff format --check
check types .venv/bin/mypy
check imports .venv/bin/lint-imports
check schemas .venv/bin/lgsp schemas check
check tables .venv/bin/lgsp docs --check
check "docs and deployment files" .venv/bin/pytest -q -p no:cacheprovider tests/docs tests/deploy
check compose env LGSP_SECRETS=deploy/secrets.example \
  .venv-tools/bin/docker-compose --env-file .env.example config --quiet
check dockerfile .venv-tools/bin/hadolint deploy/Dockerfile

if [ "${#failed[@]}" -gt 0 ]; then
  printf 'check: %s failed: %s\n' "${#failed[@]}" "${failed[*]}"
  exit 1
fi
printf 'check: all passed in %s s\n' "$((SECONDS - started))"
