#!/bin/bash
# Builds upstream's programs for the tests: build-peers.sh DIR [PROGRAM...]
# PROGRAM is one of derper tailscaled tailscale derpprobe headscale, pebble (a
# certificate authority for tests) and control (upstream's test control server);
# without any, all but the last two are built. The first time takes some minutes
# and fetches the modules that go.sum names; after that, seconds. Exit 77: there is no Go to build them.
set -euo pipefail
[ $# -ge 1 ] || { echo "usage: $0 DIR [PROGRAM...]" >&2; exit 2; }
dir=$(mkdir -p "$1" && cd "$1" && pwd)
shift
[ $# -gt 0 ] || set -- derper tailscaled tailscale derpprobe headscale
cd "$(dirname "$0")"
export GOFLAGS=-buildvcs=false
packages=()
for program in "$@"; do
	case $program in
	derper | tailscaled | tailscale | derpprobe)
		packages+=("tailscale.com/cmd/$program") ;;
	pebble) packages+=(github.com/letsencrypt/pebble/v2/cmd/pebble) ;;
	headscale) packages+=(github.com/juanfont/headscale/cmd/headscale) ;;
	control) packages+=(./control) ;;
	*) echo "$0: $program: no such peer" >&2; exit 2 ;;
	esac
done
if ! command -v go >/dev/null; then
	echo "$0: there is no go command" >&2
	exit 77
fi
# apart, so that a module that cannot be fetched is not reported as a bug
./modules.sh "${packages[@]}"
go build -o "$dir" "${packages[@]}"
