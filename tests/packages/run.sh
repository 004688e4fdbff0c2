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
#                        set where it cannot be made or used
#   DERPKIT_NO_BASE      why it is not set
#   DERPKIT_DEB_DIR      a folder for our Debian packages, see debs.sh
#   TMPDIR               a folder of its own, removed after it
# One that takes longer than DERPKIT_SCRIPT_MAX_S seconds (2700) is ended and has
# failed.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/packages/again.sh
work=$(mktemp -d)
script_max_s=${DERPKIT_SCRIPT_MAX_S:-2700}
running=
status=0
report=""
trap 'remove "$work"' EXIT
trap 'interrupted' INT TERM HUP

# A folder, with subfolders that nobody may write to (Go's modules), without
# what may still be mounted in it.
remove() {
	[ "$(id -u)" = 0 ] || find "$1" -xdev -type d ! -perm -700 \
		-exec chmod u+rwx {} \; 2>/dev/null
	rm -rf --one-file-system "$1"
}

# What stays of the script that runs, or ran, is killed.
end_running() {
	kill -KILL -- "-$running" 2>/dev/null
	running=
}

interrupted() {
	[ -z "$running" ] || {
		kill "$running" && wait "$running"
		end_running
	} 2>/dev/null
	exit 1
}

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

# What a chroot needs and a container may refuse even to root; prints why.
try_chroot() {
	[ "$(id -u)" = 0 ] || { echo "chroot needs root"; return 1; }
	mkdir "$work/try"
	mknod "$work/try/null" c 1 3 || return
	(: >"$work/try/null") || return
	# shellcheck disable=SC2016
	unshare --mount --net --pid --fork --kill-child \
		sh -ec 'mount -t proc proc "$0"' "$work/try"
}

make_base() {
	local tar=$work/base.tar why
	if ! why=$(try_chroot 2>&1); then
		why="no chroot can be used here: $why"
	elif [ -n "${DERPKIT_BASE_TAR:-}" ]; then
		return
	elif ! command -v mmdebstrap >/dev/null; then
		why="there is no mmdebstrap command"
	elif again mmdebstrap --quiet --variant=minbase --format=tar bookworm \
	    "$tar" 2>"$work/base.log"; then
		export DERPKIT_BASE_TAR=$tar
		return
	else
		tail -n 5 "$work/base.log" >&2
		why="mmdebstrap cannot make a base: $(tail -n 1 "$work/base.log")"
	fi
	unset DERPKIT_BASE_TAR
	export DERPKIT_NO_BASE=$why
	echo "packages: $why" >&2
}

# Runs a script, shows and keeps its output; its status. It has a group of
# processes of its own, of which nothing stays. That daemons of it may keep the
# output open holds nothing up.
watched() {
	local name=$1 log=$2 code shows
	: >"$log"
	# which & would have it ignore
	TMPDIR=$work/tmp env --default-signal=INT,QUIT \
		timeout -k 60 "$script_max_s" \
		bash "tests/packages/$name.sh" >"$log" 2>&1 {again_says}>&- &
	running=$!
	tail -n +1 -f -s 0.2 --pid="$running" "$log" &
	shows=$!
	wait "$running"
	code=$?
	end_running
	wait "$shows"
	return "$code"
}

run_script() {
	local name=$1 log=$work/log code reason seconds
	local begun=$SECONDS
	echo "=== packages: $name"
	mkdir "$work/tmp"
	watched "$name" "$log"
	code=$?
	seconds=$((SECONDS - begun))
	remove "$work/tmp"
	reason=$(sed -n 's/^SKIPPED: //p' "$log" | tail -n 1)
	case $code in
	0) report+="$name: passed" ;;
	77) report+="$name: SKIPPED: ${reason:-without a reason}" ;;
	*)
		report+="$name: FAILED"
		status=1
		[ "$seconds" -lt "$script_max_s" ] ||
			report+=": ended, it takes longer than $script_max_s s"
		;;
	esac
	report+=" ($seconds s)"$'\n'
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
