#!/usr/bin/env bash
# Makes what is missing of ./secrets: passwords, addresses with them, and the house's keys. What is there stays. The mail
# server's address is to be written by hand; until then nothing is sent.
set -euo pipefail
umask 077
cd "$(dirname "${BASH_SOURCE[0]}")"
mkdir -p secrets
cd secrets

made() { [[ -s $1 ]] || { cat >"$1.new" && mv "$1.new" "$1"; }; }

for name in postgres api worker; do
    made "${name}_password" < <(openssl rand -hex 24)
done
made admin_url <<<"postgresql://postgres:$(<postgres_password)@postgres:5432/countinghouse"
made database_url <<<"postgresql://countinghouse_api:$(<api_password)@pgbouncer:6432/countinghouse"
made worker_url <<<"postgresql://countinghouse_worker:$(<worker_password)@postgres:5432/countinghouse"
made pgbouncer_userlist <<<"\"countinghouse_api\" \"$(<api_password)\""
made signing_key.pem < <(openssl genpkey -algorithm ed25519)
made secret_keys.txt < <(openssl rand -base64 32)
made smtp_url <<<"${SMTP_URL:-smtp://mail.invalid:25}"

# Whoever is in a container reads the files that this container was given, whatever its user is called; on this machine
# nobody else comes into the directory.
chmod 0444 ./*
chmod 0700 .
# Of the keys the server wants to be the only reader, which root can see to.
if [[ $EUID -eq 0 ]]; then
    chown 10001:10001 signing_key.pem secret_keys.txt
    chmod 0400 signing_key.pem secret_keys.txt
fi
