# What asks archives and registries on a network, which may fail once; sourced.
#   again COMMAND...   runs it up to three times, and says so; the last status.
# It says so where the script's own output goes, whatever the command's is.
exec {again_says}>&1
again() {
	local tries code
	for tries in 1 2 3; do
		code=0
		"$@" || code=$?
		[ "$code" != 0 ] || return 0
		[ "$tries" = 3 ] || {
			echo "failed with $code, trying again: ${*%%$'\n'*}" >&"$again_says"
			sleep 5
		}
	done
	return "$code"
}
