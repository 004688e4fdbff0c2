#!/bin/bash
# What Debian's own checks say of the packages: lintian, piuparts, autopkgtest.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/packages/common.sh

version=$(dpkg-parsechangelog -S Version)
arch=$(dpkg --print-architecture)
debs=$(tests/packages/debs.sh)
packages=("$debs"/derper_"${version}_$arch".deb "$debs"/derpmap_"${version}_$arch".deb)

LC_ALL=C.UTF-8 lintian --allow-root --pedantic --display-info --fail-on \
	error,warning,info,pedantic "$debs"/derpkit_"${version}_$arch".changes \
	>"$work/log" 2>&1 || { cat "$work/log"; fail "lintian"; }
grep . "$work/log" && fail "lintian"
echo "deb: lintian --pedantic has nothing to say"

gzip -1 <"$DERPKIT_BASE_TAR" >"$work/base.tar.gz"
# what it mounts is gone with it
unshare --mount piuparts --distribution bookworm --basetgz "$work/base.tar.gz" \
	--no-eatmydata --warn-on-others --keep-sources-list "${packages[@]}" >"$work/log" 2>&1 ||
	{ tail -n 40 "$work/log"; fail "piuparts"; }
grep -q 'PASS: Installation and purging test' "$work/log" ||
	{ tail -n 40 "$work/log"; fail "piuparts ran something else"; }
echo "deb: piuparts: installed and purged; nothing is left"

tests/packages/unpack.sh "$work/system"
# debian/files makes it a tree that was built already
mkdir "$work/source"
cp -r debian "$work/source"
touch "$work/source/debian/files"
# both here and in the new Debian it uses TMPDIR
mkdir -p "$work/system$work"
TMPDIR=$work autopkgtest --no-built-binaries --setup-commands 'apt-get -q update' \
	"${packages[@]}" "$work/source/" -- chroot "$work/system" \
	>"$work/log" 2>&1 || { tail -n 40 "$work/log"; fail "autopkgtest"; }
grep -q '^relay  *PASS' "$work/log" || { tail "$work/log"; fail "autopkgtest"; }
echo "deb: autopkgtest: the relay starts and relays a packet"
