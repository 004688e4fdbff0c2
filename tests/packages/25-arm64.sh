#!/bin/bash
# The Debian packages for arm64, cross-compiled on a new Debian, and the unit
# tests, which run there under qemu-user.
set -euo pipefail
cd "$(dirname "$0")/../.."
if [ -z "${DERPKIT_BASE_TAR:-}" ]; then
	echo "SKIPPED: there is no base file system (mmdebstrap)"
	exit 77
fi
if [ "$(id -u)" != 0 ]; then
	echo "SKIPPED: chroot needs root"
	exit 77
fi
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
system=$work/system

fail() {
	echo "FAILED: $*"
	exit 1
}

# Runs commands in the new Debian; what they print is in a log.
inside() {
	unshare --mount --pid --fork --kill-child sh -ec '
		mount -t proc proc "$1/proc"
		exec chroot "$1" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin \
			HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
			sh -ec "$2"' sh "$system" "$1" >"$work/log" 2>&1 ||
		{ tail -n 40 "$work/log"; fail "$2"; }
}

tests/packages/unpack.sh "$system"
debian/build.sh -o --target=clean "$work/copy" >/dev/null
