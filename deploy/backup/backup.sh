#!/bin/sh
# backup.sh [DIRECTORY]
#
# What a timer runs each night: a base backup and a dump, into DIRECTORY, or what systemd gives as STATE_DIRECTORY. Both are
# tried; it fails where either did. The variables are those of base_backup.sh and dump.sh.
set -u

here=$(cd "$(dirname "$0")" && pwd)
directory=${1:-${STATE_DIRECTORY:?}}
status=0
"$here/base_backup.sh" "$directory" || status=1
"$here/dump.sh" "$directory" || status=1
exit $status
