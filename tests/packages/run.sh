#!/bin/bash
# Runs tests/packages/[0-9]*.sh in order, and sums up; `make packages`.
#   run.sh [NAME...]     NAME is a script without .sh, or its number
# A script prints a line per point shown and ends with 0, with 77 after
# "SKIPPED: reason", or with 1. It finds
#   DERPKIT_BIN          the built programs
#   DERPKIT_PEERS        upstream's programs, as tests/interop/build-peers.sh
#                        leaves them; may be empty or not there
#   DERPKIT_HELPERS      the built programs of the tests (derp-peer, ...)
#   DERPKIT_BASE_TAR     Debian's smallest root file system, amd64 bookworm; not
#                        set where it could not be made
#   DERPKIT_DEB_DIR      a folder for our Debian packages, see debs.sh
#   TMPDIR               a folder of its own, removed after it
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
work=$(mktemp -d)
trap 'chmod -R u+w "$work" 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
status=0
report=""

# The scripts that the arguments name.
chosen() {
	local script name word
	for script in tests/packages/[0-9]*.sh; do
		name=$(basename "$script" .sh)
		[ $# -gt 0 ] || echo "$name"
		for word; do
			[ "$word" != "$name" ] && [ "$word" != "${name%%-*}" ] ||
				echo "$name"
		done
	done
}

make_base() {
	local tar=$work/base.tar
	[ -z "${DERPKIT_BASE_TAR:-}" ] || return 0
	command -v mmdebstrap >/dev/null || return 0
	if mmdebstrap --quiet --variant=minbase --format=tar bookworm \
	    "$tar" 2>"$work/base.log"; then
		export DERPKIT_BASE_TAR=$tar
	else
		tail -n 5 "$work/base.log" >&2
		echo "packages: no base file system can be made here" >&2
	fi
}

run_script() {
	local name=$1 log=$work/log code reason
	local begun=$SECONDS
	echo "=== packages: $name"
	mkdir "$work/tmp"
	TMPDIR=$work/tmp bash "tests/packages/$name.sh" 2>&1 | tee "$log"
	code=${PIPESTATUS[0]}
	rm -rf "$work/tmp"
	reason=$(sed -n 's/^SKIPPED: //p' "$log" | tail -n 1)
	case $code in
	0) report+="$name: passed" ;;
	77) report+="$name: SKIPPED: ${reason:-without a reason}" ;;
	*)
		report+="$name: FAILED"
		status=1
		;;
	esac
	report+=" ($((SECONDS - begun)) s)"$'\n'
	# what was skipped without a reason is a fault of the script
	[ "$code" != 77 ] || [ -n "$reason" ] || status=1
}

names=$(chosen "$@")
[ -n "$names" ] || { echo "packages: nothing is called so: $*" >&2; exit 1; }
make_base
export DERPKIT_DEB_DIR=$work/debs
for name in $names; do
	run_script "$name"
done
echo "=== packages: summary"
printf '%s' "$report"
exit $status
