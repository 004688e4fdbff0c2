#!/bin/bash
# Builds the Debian packages of this tree, in a copy of it.
#   build.sh [-o OPTION]... OUT [VERSION...]
#   build.sh -c COPY          makes the copy alone
# OUT gets the packages and build.log. A VERSION that is not the one of
# debian/changelog becomes it; of several only the packing is done again. Options
# go to dpkg-buildpackage (default: -b).
set -euo pipefail
# What git knows, as it is now, and the commit; or all but what was built.
copy_tree() {
	local to=$1 changes
	rm -rf "$to"
	mkdir "$to"
	if [ ! -e .git ]; then
		tar -c --exclude='./build*' . | tar -x -C "$to"
		return
	fi
	git ls-files -z | while IFS= read -r -d '' file; do
		[ ! -e "$file" ] || printf '%s\0' "$file"
	done | tar -c --null -T - | tar -x -C "$to"
	changes=$(git --no-optional-locks status --porcelain -uno)
	echo "$(git rev-parse HEAD)${changes:+-dirty}" >"$to/.commit"
}

if [ "${1:-}" = -c ]; then
	to=$(realpath -m "${2:?}")
	cd "$(dirname "$0")/.."
	copy_tree "$to"
	exit
fi
options=()
while [ "${1:-}" = -o ]; do
	options+=("$2")
	shift 2
done
[ "${#options[@]}" -gt 0 ] || options=(-b)
mkdir -p "${1:?}"
out=$(cd "$1" && pwd)
shift
cd "$(dirname "$0")/.."
listed=$(dpkg-parsechangelog -S Version)
[ $# -gt 0 ] || set -- "$listed"
tree=$out/derpkit

copy_tree "$tree"
cd "$tree"
was=$listed
for version; do
	sed -i "1s/($was)/($version)/" debian/changelog
	if ! dpkg-buildpackage -us -uc "${options[@]}" >"$out/build.log" 2>&1; then
		tail -n 40 "$out/build.log" >&2
		echo "deb: not built; $out/build.log has it all" >&2
		exit 1
	fi
	was=$version
	options+=(-nc)
	ls "$out"/*_"${version}"_*.deb
done
cd "$out"
rm -rf "$tree"
