#!/bin/sh
# archive_command = '/usr/local/lib/countinghouse/archive_wal.sh %p %f /var/backups/countinghouse/wal'
#
# Puts a finished segment of WAL into the archive: whole or not at all, on disk before it says so, and never over another
# one. A segment that is there already with the same bytes counts as archived: PostgreSQL may have crashed before it knew.
set -eu

segment=$1
name=$2
archive=$3

if [ -e "$archive/$name" ]; then
    cmp -s "$segment" "$archive/$name" && exit 0
    echo "archive_wal: $archive/$name is there already and is another one; is this archive used by two clusters?" >&2
    exit 1
fi
new=$archive/.$name.$$
trap 'rm -f "$new"' EXIT
cp "$segment" "$new"
sync "$new"
ln "$new" "$archive/$name" # which, unlike mv, fails where somebody was faster
sync "$archive"
