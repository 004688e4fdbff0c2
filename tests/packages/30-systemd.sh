#!/bin/bash
# The units under a booted systemd, in a new Debian with our packages: start,
# reload, watchdog, credentials, socket activation, journal, upgrade under
# traffic, stop (systemd.py).
# Environment: see run.sh. Exit 77: skipped, and says why.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/packages/again.sh
skip() {
	echo "SKIPPED: $1"
	exit 77
}
[ -n "${DERPKIT_BASE_TAR:-}" ] ||
	skip "${DERPKIT_NO_BASE:-there is no DERPKIT_BASE_TAR}"
[ "$(id -u)" = 0 ] || skip "systemd-nspawn needs root"
command -v systemd-nspawn >/dev/null || skip "there is no systemd-nspawn"
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
trap 'exit 1' INT TERM HUP
system=$work/system

inside_online() {
	unshare --mount --pid --fork --kill-child \
		tests/packages/enter.sh "$system" "$@"
}

debs=$(tests/packages/debs.sh)
version=$(dpkg-parsechangelog -S Version)
arch=$(dpkg --print-architecture)
tests/packages/unpack.sh "$system"
mkdir "$system/packages"
for v in "$version" "$version+1"; do
	cp "$debs"/derper_"${v}_$arch".deb "$debs"/derpmap_"${v}_$arch".deb \
		"$system/packages"
done
old="/packages/derper_${version}_$arch.deb /packages/derpmap_${version}_$arch.deb"
# shellcheck disable=SC2086
{
	again inside_online apt-get -qq -o APT::Update::Error-Mode=any update
	needed=$(inside_online apt-get -s install --no-install-recommends $old |
		sed -n 's/^Inst \([^ ]*\) .*/\1/p' | grep -vx -e derper -e derpmap)
	again inside_online apt-get -qq install -y --no-install-recommends \
		systemd-sysv dbus $needed
} >"$work/log" 2>&1 || { tail "$work/log"; echo "FAILED: dependencies"; exit 1; }
# they would hold dpkg's lock when we upgrade
for timer in apt-daily apt-daily-upgrade dpkg-db-backup; do
	ln -s /dev/null "$system/etc/systemd/system/$timer.timer"
done
python3 -B tests/packages/systemd.py "$system" "$version" "$version+1"
