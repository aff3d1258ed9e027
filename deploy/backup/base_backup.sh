#!/bin/sh
# base_backup.sh DIRECTORY
#
# A base backup of the whole cluster into DIRECTORY/base-<time>, taken while it works, verified, and only then given its
# name. The server is PGHOST, PGPORT and PGUSER (a superuser, or a role with REPLICATION), its password in PGPASSFILE.
# KEEP says how many are kept, 7 unless it is set. What a run that was killed has left, the next one removes.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
directory=$1
name=base-$(date -u +%Y%m%dT%H%M%SZ)
new=$directory/.new-$name

exec 9>"$directory/.lock"
flock -n 9 || { echo "base_backup: another one is at work in $directory" >&2; exit 1; }
rm -rf "$directory"/.new-base-*
pg_basebackup --pgdata="$new" --checkpoint=fast --wal-method=stream --manifest-checksums=SHA256 --no-password
pg_verifybackup --quiet "$new"
sync -f "$new"
mv "$new" "$directory/$name"
sync "$directory"
"$here/succeeded.sh" base
find "$directory" -maxdepth 1 -name 'base-*' | sort -r | tail -n "+$((${KEEP:-7} + 1))" | xargs -r rm -rf
echo "$directory/$name"
