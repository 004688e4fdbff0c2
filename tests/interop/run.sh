#!/bin/bash
# The short ring: upstream's clients, netcheck, prober and relay against ours.
#   run.sh [go test flags]     DERPKIT_BIN: our programs (default build/bin)
#                              DERPKIT_PEERS: upstream's (default build/peers)
# Exit 77: skipped, because Go or its modules are not there.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$here/../../build
DERPKIT_BIN=$(realpath -m "${DERPKIT_BIN:-$build/bin}")
DERPKIT_PEERS=$(realpath -m "${DERPKIT_PEERS:-$build/peers}")
export DERPKIT_BIN DERPKIT_PEERS GOFLAGS=-buildvcs=false

skip() {
	echo "interop: SKIPPED: $1" >&2
	echo "interop: not tested: upstream's clients, netcheck, prober," \
		"relay and headscale's map loader against ours" >&2
	exit 77
}

command -v go >/dev/null || skip "there is no go command"
echo "interop: building upstream's derper and derpprobe"
"$here/build-peers.sh" "$DERPKIT_PEERS" derper derpprobe
case $? in
0) ;;
77) skip "upstream's programs cannot be built here" ;;
*) exit 1 ;;
esac
cd "$here" || exit 1
./modules.sh -test . || skip "the Go modules cannot be had"
echo "interop: testing"
go test -count=1 -timeout=30m "$@" .
