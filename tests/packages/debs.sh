#!/bin/bash
# Prints the folder with our Debian packages, in the version of debian/changelog
# and in one that is newer (+1); builds them when they are not there yet.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
folder=${DERPKIT_DEB_DIR:?}
version=$(cd "$root" && dpkg-parsechangelog -S Version)
mkdir -p "$folder"
exec 8>"$folder/lock"
flock 8
if [ ! -e "$folder/built" ]; then
	"$root/debian/build.sh" "$folder" "$version" "$version+1" >&2 8>&-
	touch "$folder/built"
fi
echo "$folder"
