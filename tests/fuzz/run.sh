#!/bin/sh
# Builds the fuzz harnesses with clang and runs each for SECONDS:
#	tests/fuzz/run.sh SECONDS [NAME...]
# NAME is a harness without "fuzz_" (default: all). New inputs stay in
# $BUILD/fuzz-corpus/NAME; what broke is in $BUILD/fuzz-found/NAME, to be kept
# as corpus/NAME/crash-... once it is fixed. BUILD is build/fuzz by default.
# Exits 1 when anything was found.
set -eu

if [ $# -lt 1 ]; then
	sed -n '2,8s/^# \{0,1\}//p' "$0" >&2
	exit 2
fi
seconds=$1
shift
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=${BUILD:-$root/build/fuzz}
CC=${CC:-clang-14}
export CC

if [ $# -eq 0 ]; then
	set -- $(cd "$here" && ls fuzz_*.c | sed 's/^fuzz_//; s/\.c$//')
fi
targets=
for name in "$@"; do
	targets="$targets fuzz_$name"
done
cmake -S "$root" -B "$build" -G Ninja -DDERPKIT_PRESET=fuzz >/dev/null
# shellcheck disable=SC2086
ninja -C "$build" $targets >/dev/null

bad=0
for name in "$@"; do
	new=$build/fuzz-corpus/$name
	found=$build/fuzz-found/$name
	mkdir -p "$new" "$found"
	echo "== $name, $seconds s"
	if nice "$build/tests/fuzz_$name" -max_total_time="$seconds" \
	    -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
	    -artifact_prefix="$found/" "$new" "$here/corpus/$name" \
	    >"$found/log" 2>&1; then
		grep -E '^stat::number_of_executed|^Done' "$found/log" || true
	else
		bad=1
		tail -40 "$found/log"
	fi
done
exit $bad
