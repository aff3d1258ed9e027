#!/bin/sh
# dump.sh DIRECTORY
#
# A dump of one database, PGDATABASE, into DIRECTORY/<database>-<time>.dump, which another version of PostgreSQL can read
# as well. It is read through to its end before it has its name. The server is PGHOST, PGPORT and PGUSER (a superuser: row
# security would show anybody else nothing), its password in PGPASSFILE. KEEP says how many are kept, 7 unless it is set.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
directory=$1
name=$PGDATABASE-$(date -u +%Y%m%dT%H%M%SZ).dump
new=$directory/.new-$name

exec 9>"$directory/.lock"
flock -n 9 || { echo "dump: another one is at work in $directory" >&2; exit 1; }
rm -f "$directory"/.new-*.dump
umask 077
pg_dump --format=custom --file="$new" --no-password
# A list alone is read from the beginning of the file, and would pass one that breaks off.
pg_restore --file=/dev/null "$new"
sync "$new"
mv "$new" "$directory/$name"
sync "$directory"
"$here/succeeded.sh" dump
find "$directory" -maxdepth 1 -name "$PGDATABASE-*.dump" | sort -r | tail -n "+$((${KEEP:-7} + 1))" | xargs -r rm -f
echo "$directory/$name"
