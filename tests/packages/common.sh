# What the scripts share that work on Debian's base system; sourced.
# Gives $work, a folder that goes with the script, and fail.
if [ -z "${DERPKIT_BASE_TAR:-}" ]; then
	echo "SKIPPED: ${DERPKIT_NO_BASE:-there is no DERPKIT_BASE_TAR}"
	exit 77
fi
if [ "$(id -u)" != 0 ]; then
	echo "SKIPPED: chroot needs root"
	exit 77
fi
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT

fail() {
	echo "FAILED: $*"
	exit 1
}
