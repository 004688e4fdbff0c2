#!/bin/bash
# Unpacks the base file system into a new folder, with what apt needs in it:
#   unpack.sh DIR
set -euo pipefail
mkdir "$1"
# not every place where tests run may make all devices
tar -xf "${DERPKIT_BASE_TAR:?}" -C "$1" --exclude='./dev/*'
mknod -m 666 "$1/dev/null" c 1 3
mknod -m 666 "$1/dev/zero" c 1 5
mknod -m 666 "$1/dev/full" c 1 7
mknod -m 666 "$1/dev/random" c 1 8
mknod -m 666 "$1/dev/urandom" c 1 9
ln -s /proc/self/fd "$1/dev/fd"
cp /etc/resolv.conf /etc/hosts "$1/etc"
# how this machine's apt comes to its archive
{ grep -lsi '^[^#/]*\(acquire::https*\|acquire::check\|proxy\)' \
	/etc/apt/apt.conf /etc/apt/apt.conf.d/* || true; } |
	xargs -r cp -t "$1/etc/apt/apt.conf.d"
echo 'Acquire::Retries "3";' >"$1/etc/apt/apt.conf.d/80retries"
