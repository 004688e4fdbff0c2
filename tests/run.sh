#!/bin/bash
# Builds every preset named on the command line, runs its tests, and sums up.
# release runs all rings; debug (ASan+UBSan) and tsan leave out the peers that
# are not ours, which no sanitizer can look into.
set -uo pipefail
cd "$(dirname "$0")/.."
jobs=$(nproc)
passed=0 failed=0 skipped=0
report=""

run_preset() {
	local preset=$1 build=build log
	local -a only=()
	[ "$preset" = release ] || { build=build-$preset; only=(-LE peers); }
	log=$build.log
	echo "=== $preset: build"
	if ! { cmake -S . -B "$build" -G Ninja -DDERPKIT_PRESET="$preset" \
	    -DDERPKIT_TESTS=ON &&
	    cmake --build "$build" -j "$jobs"; } >"$log" 2>&1; then
		tail -n 60 "$log"
		report+="$preset: does not build"$'\n'
		failed=$((failed + 1))
		return
	fi
	echo "=== $preset: test"
	ctest --test-dir "$build" --output-on-failure -j $((jobs * 2)) \
		"${only[@]}" 2>&1 | tee "$log"
	local not_run ok bad
	ok=$(grep -cE '^ *[0-9]+/[0-9]+ Test .* Passed ' "$log")
	not_run=$(grep -cE '^ *[0-9]+/[0-9]+ Test .*\*\*\*(Skipped|Not Run)' "$log")
	bad=$(grep -cE '^ *[0-9]+/[0-9]+ Test .*\*\*\*(Failed|Timeout|Exception)' "$log")
	# no line at all means that ctest itself did not come to an end
	grep -q 'tests passed' "$log" || bad=$((bad + 1))
	report+="$preset: $ok passed, $bad failed, $not_run skipped"$'\n'
	passed=$((passed + ok))
	failed=$((failed + bad))
	skipped=$((skipped + not_run))
}

for preset in "$@"; do
	run_preset "$preset"
done
echo "=== summary"
printf '%s' "$report"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
