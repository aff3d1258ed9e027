#!/bin/sh
# succeeded.sh KIND
#
# Writes down for the textfile collector of node_exporter, whose directory METRICS_DIRECTORY is, that a backup of this kind
# was made and verified now. It is there whole or not at all. Without METRICS_DIRECTORY nothing is written.
set -eu

[ -n "${METRICS_DIRECTORY:-}" ] || exit 0
file=$METRICS_DIRECTORY/countinghouse_backup_$1.prom
metric=countinghouse_backup_last_success_timestamp_seconds
umask 022
cat >"$file.$$" <<END
# HELP $metric When the last backup that was found whole was finished.
# TYPE $metric gauge
$metric{kind="$1"} $(date +%s)
END
mv "$file.$$" "$file"
