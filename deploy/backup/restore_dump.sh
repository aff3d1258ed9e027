#!/bin/sh
# restore_dump.sh DUMP
#
# Makes the database of a dump again in a cluster that has none of this name. The server is PGHOST, PGPORT and PGUSER
# (a superuser), its password in PGPASSFILE; `countinghouse` must be on the path, or be named in COUNTINGHOUSE.
#
# Roles belong to the cluster, and no dump has them. Those of the house are made by loading the schema into a database that
# is removed again; those of organisations and analysts afterwards, from the tables. The logins of the server and of the
# worker have no password in a new cluster: give them theirs (`alter role ... password`). Analysts' secrets are rotated.
set -eu

dump=$1
database=$(pg_restore --list "$dump" | sed -n 's/^; *dbname: //p')
admin() { psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --no-password --dbname=postgres "$@"; }
migrate() {
    # libpq's variables give the address and the password.
    COUNTINGHOUSE_DATABASE_URL=$(address "$1") COUNTINGHOUSE_ADMIN_URL=$(address "$1") "${COUNTINGHOUSE:-countinghouse}" migrate
}
address() { printf 'postgresql://%s@%s:%s/%s%s' "$PGUSER" "$PGHOST" "${PGPORT:-5432}" "$1" "${SSLMODE:+?sslmode=$SSLMODE}"; }

if [ -n "$(admin --tuples-only --command="select 1 from pg_database where datname = '$database'")" ]; then
    echo "restore_dump: there is a database $database already; nothing was changed" >&2
    exit 1
fi
work=$(mktemp -d)
is_whole=
ended() {
    rm -rf "$work"
    admin --command='drop database if exists countinghouse_roles'
    [ -n "$is_whole" ] || echo "restore_dump: drop what there is of $database, and begin again" >&2
}
trap ended EXIT
admin --command='create database countinghouse_roles'
migrate countinghouse_roles

# Row security stays on, to which a superuser is not bound: the reports are reckoned anew by their owner, who is, and who sees
# all that they need by a policy. With it off, as is usual, PostgreSQL would refuse that.
restore() { pg_restore --no-password --exit-on-error --enable-row-security "$@"; }

# What the schema takes away from PostgreSQL's own functions is that of the version it was loaded into: another version may
# have them with other arguments. So that comes from the database that was loaded just now.
of_postgres=' ACL pg_catalog '
pg_restore --list --create "$dump" | grep -v "$of_postgres" >"$work/list"
restore --create --use-list="$work/list" --dbname=postgres "$dump"
pg_dump --no-password --format=custom --schema-only --file="$work/roles" countinghouse_roles
pg_restore --list "$work/roles" | grep "$of_postgres" >"$work/list"
restore --use-list="$work/list" --dbname="$database" "$work/roles"

migrate "$database"
admin --dbname="$database" --command=analyze
is_whole=yes
echo "$database is restored."
