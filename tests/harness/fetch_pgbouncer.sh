#!/bin/sh
# Unpacks the distribution's PgBouncer, with the libraries that it may lack, into the directory that is named. Nothing is
# installed: the packages are only downloaded, by anybody, and where apt has no lists yet it gets some of its own here.
set -eu

mkdir -p "$1"
place=$(cd "$1" && pwd)
new=$place.new
rm -rf "$new"
mkdir -p "$new/download" "$new/lists/partial" "$new/archives/partial"
cd "$new/download"
new=$(cd .. && pwd)

APT_CONFIG=$new/apt.conf
export APT_CONFIG
cat >"$APT_CONFIG" <<END
Acquire::Retries "1";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
APT::Sandbox::User "root";
Dir::Cache "$new";
Dir::Cache::archives "archives";
END
if ! apt-cache show pgbouncer >/dev/null 2>&1; then
    echo "Dir::State::lists \"$new/lists\";" >>"$APT_CONFIG"
    apt-get -qq update
fi
libraries=$(apt-cache depends pgbouncer | sed -n 's/^ *Depends: \(libevent-[^ ]*\|libc-ares[^ ]*\)$/\1/p')
# shellcheck disable=SC2086 # there are several
apt-get -qq download pgbouncer $libraries
for package in *.deb; do
    dpkg -x "$package" "$new/unpacked"
done

found=$(find "$new/unpacked/usr/lib" -name '*.so*' -exec dirname {} + | sort -u | paste -s -d : -)
LD_LIBRARY_PATH=$found "$new/unpacked/usr/sbin/pgbouncer" --version >/dev/null
rm -rf "$place"
mv "$new/unpacked" "$place"
cd / && rm -rf "$new"
