#!/usr/bin/env bash
# Installs one part of what the project needs, then leaves the stamp that the Makefile looks at:
#   core | dev    .venv from the hash-locked requirements, and this project in editable mode
#   tools         .venv-tools: linters whose own dependencies clash with Faust's (docs/adr/0013)
#   bench         .venv-bench: this project and the peers of benchmarks/; a JDK for the Java one
#   java | postgres | chromium    Debian packages, only when the program is not there already
#   prometheus    Prometheus and Alertmanager of Debian's packages, unpacked into .venv: nothing is
#                 installed, so no service starts and no root is needed
set -euo pipefail
cd "$(dirname "$0")/.."
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 DEBIAN_FRONTEND=noninteractive

say() { printf 'setup: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

can_install() {
  command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }
}

# Installs Debian packages; fails when this machine does not let us.
packages() {
  can_install || return 1
  say "installing Debian packages: $*"
  log=$(mktemp)
  if ! as_root apt-get install -y -qq --no-install-recommends "$@" >"$log" 2>&1 </dev/null; then
    # The package lists may be missing (a fresh image) or old.
    as_root apt-get update -qq >>"$log" 2>&1 </dev/null || true
    if ! as_root apt-get install -y -qq --no-install-recommends "$@" >>"$log" 2>&1 </dev/null; then
      tail -n 20 "$log" >&2
      rm -f "$log"
      return 1
    fi
  fi
  rm -f "$log"
}

# Unpacks the programs of Debian package $1 into folder $2 without installing it.
unpacked() {
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 1
  say "unpacking Debian's $1 into $2"
  part=$(mktemp -d)
  if ! (cd "$part" && apt-get download -q "$1") >"$part/log" 2>&1 </dev/null; then
    # The package lists may be missing (a fresh image) or old.
    { can_install && as_root apt-get update -qq; } >>"$part/log" 2>&1 </dev/null || true
    (cd "$part" && apt-get download -q "$1") >>"$part/log" 2>&1 </dev/null
  fi
  if ! compgen -G "$part/*.deb" >/dev/null; then
    tail -n 20 "$part/log" >&2
    rm -rf "$part"
    return 1
  fi
  mkdir -p "$2"
  dpkg-deb --fsys-tarfile "$part"/*.deb | tar -x -C "$2" ./usr/bin
  found=$?
  rm -rf "$part"
  return "$found"
}

python_of_311() {
  for name in python3 python3.11 python3.12 python3.13; do
    if command -v "$name" >/dev/null &&
      "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$name"
      return
    fi
  done
  return 1
}

# Makes the virtual environment in folder $1.
environment() {
  [ -x "$1/bin/python" ] && "$1/bin/python" -m pip --version >/dev/null 2>&1 && return
  python=$(python_of_311) || { packages python3 python3-venv && python=$(python_of_311); } ||
    die "Python 3.11 or newer is needed; found: $(python3 --version 2>&1 || echo none)"
  "$python" -m venv "$1" >/dev/null 2>&1 ||
    { packages python3-venv && "$python" -m venv "$1"; } ||
    die "$python cannot make virtual environments: install the package python3-venv"
}

# Installs the hash-locked files named after the folder: with uv, which takes a quarter of pip's
# time; with pip where uv cannot (an index that only pip's own configuration knows).
install() {
  folder=$1
  shift
  say "installing into $folder: $*"
  files=()
  for file in "$@"; do files+=(-r "requirements/$file.txt"); done
  .venv/bin/uv pip install -q --python "$folder/bin/python" --require-hashes --compile-bytecode \
    "${files[@]}" </dev/null ||
    "$folder/bin/python" -m pip install -q --require-hashes "${files[@]}" </dev/null
}

java_version() {
  java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p;q'
}

# The least version of Java, 17 or newer, that Debian has here.
least_java() {
  found=$(apt-cache pkgnames openjdk- 2>/dev/null |
    sed -n 's/^openjdk-\(1[7-9]\|2[0-9]\)-jre-headless$/\1/p' | sort -n | head -n 1)
  echo "${found:-17}"
}

case "${1:?core, dev, tools, bench, java, postgres, prometheus or chromium}" in
core)
  environment .venv
  .venv/bin/python -m pip install -q --require-hashes -r requirements/build.txt </dev/null
  install .venv core
  .venv/bin/python -m pip install -q --no-deps --no-build-isolation -e . </dev/null
  touch .venv/.core
  ;;
dev)
  install .venv dev
  touch .venv/.dev
  ;;
tools)
  environment .venv-tools
  install .venv-tools tools
  touch .venv-tools/.tools
  ;;
bench)
  environment .venv-bench
  install .venv-bench build bench
  .venv-bench/bin/python -m pip install -q --no-deps --no-build-isolation -e . </dev/null
  if ! command -v javac >/dev/null && ! packages "openjdk-$(least_java)-jdk-headless"; then
    say "no Java compiler here: the row of Kafka Streams will be missing"
  fi
  touch .venv-bench/.bench
  ;;
java)
  wanted=()
  found=$(command -v java >/dev/null && java_version || echo 0)
  [ "${found:-0}" -ge 17 ] || wanted+=("openjdk-$(least_java)-jre-headless")
  command -v mvn >/dev/null || wanted+=(maven)
  if [ "${#wanted[@]}" -gt 0 ] && ! packages "${wanted[@]}"; then
    say "the embedded broker needs Java 17 and Maven; install ${wanted[*]} (Debian names)," \
      "or use 'docker compose up', or set LGSP_BROKER to a Kafka that runs elsewhere"
    [ -n "${LGSP_BROKER:-}" ] || exit 1
  fi
  touch .venv/.system-java
  ;;
postgres)
  if ! compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null && ! command -v initdb >/dev/null; then
    packages postgresql || say "no PostgreSQL server here: its tests will be skipped"
  fi
  touch .venv/.system-postgres
  ;;
prometheus)
  if ! command -v promtool >/dev/null || ! command -v amtool >/dev/null; then
    if unpacked prometheus .venv/prometheus && unpacked prometheus-alertmanager .venv/prometheus; then
      ln -sf ../prometheus/usr/bin/{prometheus,promtool,prometheus-alertmanager,amtool} .venv/bin/
    else
      say "no promtool here: the tests of the alerts will be skipped"
    fi
  fi
  touch .venv/.system-prometheus
  ;;
chromium)
  command -v chromium >/dev/null || packages chromium || die "install the package chromium"
  touch .venv/.system-chromium
  ;;
*) die "unknown part: $1" ;;
esac
