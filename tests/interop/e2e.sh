#!/bin/bash
# The long ring: real tailscaleds, logged in to upstream's test control server
# and to a real headscale, with nothing between them but our relay.
#   e2e.sh [go test flags]     DERPKIT_BIN: our programs (default build/bin)
#                              DERPKIT_PEERS: upstream's (default build/peers)
#                              HEADSCALE: another headscale program to use
# Runs in a network namespace with nothing but a loopback interface (one test
# joins two more to it), so that nothing can leave and no port is taken.
# Exit 77: skipped, and says why.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$here/../../build
DERPKIT_BIN=$(realpath -m "${DERPKIT_BIN:-$build/bin}")
DERPKIT_PEERS=$(realpath -m "${DERPKIT_PEERS:-$build/peers}")
export DERPKIT_BIN DERPKIT_PEERS GOFLAGS=-buildvcs=false
[ -z "${HEADSCALE:-}" ] || HEADSCALE=$(realpath "$HEADSCALE")

skip() {
	echo "e2e: SKIPPED: $1" >&2
	echo "e2e: not tested: real tailscaleds and headscale through ours" >&2
	exit 77
}

command -v go >/dev/null || skip "there is no go command"
command -v ip >/dev/null || skip "there is no ip command (package iproute2)"
if unshare -n true 2>/dev/null; then
	alone=(unshare -n)
elif unshare -rn true 2>/dev/null; then
	alone=(unshare -rn)
else
	skip "network namespaces are not allowed here (unshare -rn fails)"
fi
echo "e2e: building tailscaled, tailscale, derper, pebble" \
	"${HEADSCALE:+(headscale is $HEADSCALE)}"
peers=(derper tailscaled tailscale pebble)
[ -n "${HEADSCALE:-}" ] || peers+=(headscale)
"$here/build-peers.sh" "$DERPKIT_PEERS" "${peers[@]}"
case $? in
0) ;;
77) skip "upstream's programs cannot be built here" ;;
*) exit 1 ;;
esac
cd "$here" || exit 1
./modules.sh -tags=e2e -test . || skip "the Go modules cannot be had"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
go test -tags=e2e -c -o "$dir/interop.test" . || exit 1
echo "e2e: testing, alone in a network namespace"
# ports that published set-ups have are not for the kernel to hand out: what is
# bound there, and for a minute what was, keeps a relay from listening
"${alone[@]}" bash -c 'ip link set lo up &&
	{ echo 40000 60999 >/proc/sys/net/ipv4/ip_local_port_range || true; } &&
	exec "$@"' e2e \
	"$dir/interop.test" -test.v -test.timeout=40m -test.run='^TestE2E' "$@"
