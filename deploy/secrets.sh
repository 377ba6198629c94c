#!/usr/bin/env bash
# Makes the secret files that docker-compose.yml and the systemd units read, in deploy/secrets/ or
# the folder given; keeps the ones that are there. The folder is closed to other users, the files
# in it are readable because a container's user must read them.
set -euo pipefail
folder=${1:-$(dirname "$0")/secrets}
mkdir -p "$folder"
chmod 700 "$folder"

random() { head -c "$1" /dev/urandom | base64 | tr -d '\n'; }
secret() {
  [ -e "$folder/$1" ] && return
  printf '%s' "$2" >"$folder/$1"
  chmod 644 "$folder/$1"
  echo "made $folder/$1"
}

secret postgres_password "$(random 24 | tr '+/' '-_')"
secret lgsp_store "postgresql://lgsp:$(cat "$folder/postgres_password")@postgres/lgsp"
secret lgsp_national_password lgsp # the mock's; put the real portal's here
secret seal_keys "{\"current\": \"k1\", \"keys\": {\"k1\": \"$(random 32)\"}}"
secret grafana_password "$(random 18 | tr '+/' '-_')"
