#!/bin/sh
# Removes what `cmake --install` of a build folder puts below DESTDIR, and
# folders that are empty then: uninstall.sh BUILD DESTDIR PREFIX.
set -eu
build=$1
destdir=$2
prefix=$3
trial=$(mktemp -d)
trap 'rm -rf "$trial"' EXIT
# what is there now may be of another version, or the list may be gone with an
# earlier build folder: this build is asked
DESTDIR=$trial cmake --install "$build" >/dev/null

count=0
find "$trial" ! -type d -printf '/%P\n' >"$build/uninstall.txt"
while IFS= read -r file; do
	if [ -e "$destdir$file" ] || [ -L "$destdir$file" ]; then
		rm -f "$destdir$file"
		count=$((count + 1))
	fi
done <"$build/uninstall.txt"

# Deepest first. A system expects some folders to be there even when empty.
find "$trial$prefix" -mindepth 1 -depth -type d -printf '/%P\n' |
while IFS= read -r folder; do
	case $folder in
	/bin | /lib | /share | /share/man) continue ;;
	esac
	rmdir "$destdir$prefix$folder" 2>/dev/null || true
done
echo "removed $count files below $destdir$prefix"
