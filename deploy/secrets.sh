#!/usr/bin/env bash
# Makes the secret files that docker-compose.yml and the systemd units read, in deploy/secrets/ or
# the folder given; keeps the ones that are there. Each can be read by one user only, the one of
# the container that needs it, so containers need this to be run as root.
set -euo pipefail
folder=${1:-$(dirname "$0")/secrets}
mkdir -p "$folder"
chmod 700 "$folder"
ours=10001 postgres=70 grafana=472 # user ids inside the images

random() { head -c "$1" /dev/urandom | base64 | tr -d '\n'; }

# secret NAME OWNER VALUE
secret() {
  [ -e "$folder/$1" ] && return
  (umask 077 && printf '%s' "$3" >"$folder/$1")
  if [ "$(id -u)" = 0 ]; then chown "$2" "$folder/$1"; fi
  echo "made $folder/$1"
}

secret postgres_password "$postgres" "$(random 24 | tr '+/' '-_')"
secret lgsp_store "$ours" "postgresql://lgsp:$(cat "$folder/postgres_password")@postgres/lgsp"
secret lgsp_national_password "$ours" lgsp # the mock's; put the real portal's here
secret seal_keys "$ours" "{\"current\": \"k1\", \"keys\": {\"k1\": \"$(random 32)\"}}"
secret grafana_password "$grafana" "$(random 18 | tr '+/' '-_')"
[ "$(id -u)" = 0 ] || echo "not root: containers cannot read these files until their owners are set"
