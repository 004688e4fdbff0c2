# What the scripts share that work on Debian's base system; sourced.
# Gives $work, a folder that goes with the script, fail, skip and again.
skip() {
	echo "SKIPPED: $*"
	exit 77
}
fail() {
	echo "FAILED: $*"
	exit 1
}
. tests/packages/again.sh
[ -n "${DERPKIT_BASE_TAR:-}" ] ||
	skip "${DERPKIT_NO_BASE:-there is no DERPKIT_BASE_TAR}"
[ "$(id -u)" = 0 ] || skip "chroot needs root"
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
