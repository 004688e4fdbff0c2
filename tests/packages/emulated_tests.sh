#!/bin/bash
# Runs the unit tests that were built for another processor under qemu-user:
#   emulated_tests.sh SOURCE BUILD QEMU
# Prints how many passed, and each test that qemu-user cannot run, with the
# reason. Exactly those must fail: one that passes, or is not there any more, is
# a failure, too. Exit status: 0 or 1.
set -euo pipefail
source=$1 build=$2 qemu=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# PROGRAM TEST REASON, in the order in which a program runs them.
impossible() {
	cat <<'END'
net.tcp_stats tcp_stats_counts_bytes qemu-user copies 4 bytes of TCP_INFO
net.tcp_stats tcp_stats_outlives_the_connection qemu-user copies 4 bytes of TCP_INFO
verify.verify_command program_does_not_exist its vfork is a fork: posix_spawn does not learn that execve failed
END
}

fail() {
	echo "FAILED: $*"
	exit 1
}

# What tests start by name is a program for that processor, too.
emulate() {
	local program=$1
	mv "$program" "$program.emulated"
	printf '#!/bin/sh\nexec %s "$0.emulated" "$@"\n' "$qemu" >"$program"
	chmod +x "$program"
}

# The tests of a program's output that have begun and not passed.
not_passed() {
	sed -n 's/^\[ RUN *\] //p' "$1" >"$work/begun"
	sed -n 's/^\[ *OK \] //p' "$1" | grep -vxFf - "$work/begun"
}

# Runs a program with some of those tests; whether it is these that fail.
judge() {
	local program=$1
	timeout 900 "$qemu" "$build/tests/test_${program#*.}" \
		>"$work/$program" 2>&1 || true
	impossible | sed -n "s/^$program \([^ ]*\) .*/\1/p" >"$work/want"
	not_passed "$work/$program" >"$work/got" || true
	diff "$work/want" "$work/got" >&2 ||
		fail "$program: others do not pass than qemu-user cannot run"
}

for program in derpmap derpverify; do
	emulate "$build/bin/$program"
done
programs=$(impossible | cut -d ' ' -f 1 | sort -u)
for program in $programs; do
	judge "$program"
done
ctest --test-dir "$build" -j "$(nproc)" --output-on-failure -R '^unit\.' \
	-E "^unit\.($(echo $programs | sed 's/\./\\./g; s/ /|/g'))\$" >"$work/log" 2>&1 ||
	{ cat "$work/log" >&2; fail "unit tests under qemu-user"; }
passed=$(sed -n 's/^100% tests passed, 0 tests failed out of //p' "$work/log")
all=$(find "$source"/tests/unit -name 'test_*.c' | wc -l)
[ $((passed + $(echo "$programs" | wc -l))) = "$all" ] ||
	fail "$passed of $all unit test programs were run"
echo "$passed of $all unit test programs pass under qemu-user, and the others but for $(impossible | wc -l) tests:"
impossible | sed 's/^\([^ ]*\) \([^ ]*\) /not under qemu-user: \1: \2: /'
