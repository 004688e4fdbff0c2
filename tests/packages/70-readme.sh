#!/bin/bash
# The first relay of README.md, step by step as it is written there, in a
# network of its own; then its certificate is renewed as docs/certificates.md
# says. Only paths and the address are others, and systemctl, which starts the
# relay with the unit's settings: booted machines are another script's.
set -euo pipefail
cd "$(dirname "$0")/../.."

fail() {
	echo "FAILED: $*"
	exit 1
}

DERPKIT_BIN=$(realpath "${DERPKIT_BIN:-build/bin}")
export DERPKIT_BIN
if [ "${1:-}" != --inside ]; then
	# with processes of its own, where it may, which end with it
	own="--pid --fork --kill-child --mount-proc"
	for how in "-n $own" "-rn $own" -n -rn; do
		# shellcheck disable=SC2086
		unshare $how true 2>/dev/null || continue
		# shellcheck disable=SC2086
		exec unshare $how tests/packages/70-readme.sh --inside
	done
	echo "SKIPPED: network namespaces are not allowed here"
	exit 77
fi

ip link set lo up
address=46.4.1.7 # generate refuses addresses for documentation
ip addr add $address/32 dev lo
work=$(mktemp -d)
trap 'kill $(cat "$work"/*.pid) 2>/dev/null; wait; rm -rf "$work"' EXIT
mkdir -p "$work/etc/default" "$work/lib" "$work/bin"
cp examples/nodes.json "$work/nodes"

# systemctl enable --now derper
cat >"$work/bin/systemctl" <<END
#!/bin/bash
[ "\$*" = "enable --now derper" ] || exit 1
set -a
. "$work/etc/default/derper"
DERP_KEY_FILE=$work/lib/derper.key DERP_CERT_DIR=$work/lib/certs
"$DERPKIT_BIN/derper" 2>"$work/log" &
echo \$! >"$work/first.pid"
for i in {1..300}; do
	! grep -q '^.* admission: ' "$work/log" || exit 0
	sleep 0.1
done
exit 1
END
chmod +x "$work/bin/systemctl"
export PATH=$work/bin:$DERPKIT_BIN:$PATH

# The blocks of shell of page $1 in which $2 is, for these places.
blocks() {
	python3 -B - "$1" "$2" <<-'END' | sed -e "s|/etc/|$work/etc/|g" \
	    -e "s|/var/lib/derper|$work/lib|g" -e "s|^RELAY=.*|RELAY=$address|"
		import sys
		sys.path.insert(0, "tests/docs")
		from documents import ROOT, blocks
		print("\n".join(b for b in blocks(ROOT / sys.argv[1], "sh")
		                if sys.argv[2] in b))
	END
}

first=$(blocks README.md DERP_VERIFY_NODES=)
[ -n "$first" ] || fail "README.md has no first relay any more"
cd "$work"
bash -euc "$first" >"$work/out" 2>&1 || { cat "$work/out"; fail "its commands"; }
cd - >/dev/null
derpmap probe --format json "$work/derp.yaml" >"$work/report" ||
	{ cat "$work/report"; fail "derpmap probe"; }
grep -q '"members-only"' "$work/report" || fail "it admits everybody"
echo "README: the first relay runs, admits members only, and its map is good"

second=$(blocks docs/certificates.md ":8443")
RELAY=$address bash -euc "${second%$'\n'} 2>'$work/log2' & echo \$! >'$work/second.pid'"
for i in {1..300}; do
	! grep -q 'admission: ' "$work/log2" 2>/dev/null || break
	sleep 0.1
done
derpmap generate --from-derper --hostname $address --certdir "$work/lib/new" \
	--a :8443 --stun-port 3479 --region-id 901 -o "$work/second.yaml"
derpmap merge -q "$work/derp.yaml" "$work/second.yaml" -o "$work/both.yaml"
derpmap probe "$work/both.yaml" >"$work/out" || { cat "$work/out"; fail "two relays"; }
RELAY=$address bash -euc "$(blocks docs/certificates.md -renew-self-signed)" \
	>"$work/pin" 2>>"$work/log2"
derpmap generate --from-derper --hostname $address --certdir "$work/lib/certs" \
	-o "$work/new.yaml"
grep -q "$(cat "$work/pin")" "$work/new.yaml" || fail "the new pin is not in the map"
for i in {1..300}; do
	! derpmap probe "$work/new.yaml" >"$work/out" || break
	sleep 0.1
done
derpmap probe "$work/new.yaml" >"$work/out" || { cat "$work/out"; fail "renewed"; }
echo "certificates.md: the pin is changed while the relay runs"
