#!/bin/sh
# restore_to_point.sh BACKUP ARCHIVE CLUSTER (--time TIME | --name NAME | --latest)
#
# Makes a new data directory of PostgreSQL, CLUSTER, of a base backup and the archive of WAL. Started, it goes on to the
# point: a time with its zone, such as '2026-11-20 14:05:00+00', whose last commit is before it or at it; the name of
# a point that pg_create_restore_point() has made; or as far as the archive goes. Then it opens, on a timeline of its own.
# To be run as the user that PostgreSQL runs as. It changes nothing but CLUSTER, which must not exist.
set -eu

usage() {
    sed -n '2s/^# /usage: /p' "$0" >&2
    exit 2
}

[ $# -ge 4 ] || usage
backup=$1
archive=$2
cluster=$3
case $4 in
--time) target="recovery_target_time = '${5:?}'" ;;
--name) target="recovery_target_name = '${5:?}'" ;;
--latest) target="recovery_target_timeline = 'latest'" ;;
*) usage ;;
esac

case ${backup##*/} in
base-*) ;;
*) echo "restore_to_point: $backup is no backup that was found whole" >&2; exit 1 ;;
esac
[ ! -e "$cluster" ] || { echo "restore_to_point: $cluster exists; nothing was changed" >&2; exit 1; }
pg_verifybackup --quiet "$backup"
cp -a "$backup" "$cluster.new"
chmod 700 "$cluster.new"
rm -f "$cluster.new/backup_manifest"
cat >>"$cluster.new/postgresql.auto.conf" <<END
# From restore_to_point.sh. They count at the first start alone.
restore_command = 'cp "$archive/%f" "%p"'
$target
recovery_target_action = 'promote'
END
touch "$cluster.new/recovery.signal"
sync -f "$cluster.new"
mv "$cluster.new" "$cluster"
echo "$cluster is ready: start PostgreSQL on it."
