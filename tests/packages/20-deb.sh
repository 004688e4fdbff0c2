#!/bin/bash
# The Debian packages, installed on a new Debian: start, relay a packet, upgrade,
# remove, purge; nothing is left.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/packages/common.sh
system=$work/system

# Runs a command in the new Debian, on a network of its own or on ours.
inside() {
	unshare --mount --net --pid --fork --kill-child sh -c \
		'ip link set lo up; exec "$@"' sh \
		tests/packages/enter.sh "$system" "$@"
}
inside_online() {
	unshare --mount --pid --fork --kill-child \
		tests/packages/enter.sh "$system" "$@"
}

# Every file with its kind, mode and owner, and the sums of what is in /etc; not
# what apt and dpkg write down of their work.
list() {
	(cd "$system" && find . -xdev \
		\( -path ./proc -o -path ./tmp -o -path ./var/cache \
		-o -path ./var/log -o -path ./var/lib/apt -o -path ./packages \
		-o -path './var/lib/dpkg/*' \) -prune \
		-o -printf '%y %m %u:%g %p\n' | sort
	find etc -type f -exec sha256sum {} + | sort -k 2)
	inside dpkg-query -W -f '${Package} ${Version} ${db:Status-Abbrev}\n'
}

installed() {
	inside dpkg-query -W -f '${Version}\n' derper derpmap | sort -u
}

relays_a_packet() {
	inside sh /packages/relay >"$work/log" 2>&1 ||
		{ cat "$work/log"; fail "$1: no packet is relayed"; }
	grep -q "^derper $version" "$work/log" || fail "$1: another program runs"
	echo "deb: $1: a packet is relayed"
}

version=$(dpkg-parsechangelog -S Version)
arch=$(dpkg --print-architecture)
debs=$(tests/packages/debs.sh)
tests/packages/unpack.sh "$system"
mkdir "$system/packages"
for v in "$version" "$version+1"; do
	cp "$debs"/derper_"${v}_$arch".deb "$debs"/derpmap_"${v}_$arch".deb \
		"$system/packages"
done
cp debian/tests/relay "$system/packages"

# what they depend on first, so that what they bring themselves is seen
again inside_online apt-get -qq -o APT::Update::Error-Mode=any update
old=(/packages/derper_"${version}_$arch".deb /packages/derpmap_"${version}_$arch".deb)
new=(/packages/derper_"$version+1_$arch".deb /packages/derpmap_"$version+1_$arch".deb)
needed=$(inside_online apt-get -s install --no-install-recommends "${old[@]}" |
	sed -n 's/^Inst \([^ ]*\) .*/\1/p' | grep -vx -e derper -e derpmap)
# shellcheck disable=SC2086
again inside_online apt-get -qq install -y --no-install-recommends $needed \
	>"$work/log" 2>&1 || { tail "$work/log"; fail "dependencies"; }
list >"$work/before"

inside apt-get -qq install -y --no-install-recommends "${old[@]}" \
	>"$work/log" 2>&1 || { cat "$work/log"; fail "it cannot be installed"; }
[ "$(installed)" = "$version" ] || fail "installed: $(installed)"
echo "deb: installed; derpmap needs $(inside ldd /usr/bin/derpmap | wc -l)" \
	"libraries, derper $(inside ldd /usr/bin/derper | wc -l)"
inside sh -c 'derper -completion bash | cmp - /usr/share/bash-completion/completions/derper' ||
	fail "completions are not those of the program"
relays_a_packet "after the installation"

# an upgrade keeps what the administrator changed
echo '# changed' >>"$system/etc/default/derper"
sum=$(sha256sum <"$system/etc/default/derper")
# what make install left
local_units=usr/local/lib/systemd/system
mkdir -p "$system/$local_units"
touch "$system/$local_units/derper.service"
inside apt-get -qq install -y --no-install-recommends "${new[@]}" \
	>"$work/log" 2>&1 || { cat "$work/log"; fail "no upgrade"; }
grep -q "^derper: systemd uses /$local_units/derper.service" "$work/log" ||
	fail "nobody hears of the unit in /usr/local: $(cat "$work/log")"
rm -r "$system/${local_units%/*}"
[ "$(installed)" = "$version+1" ] || fail "upgraded: $(installed)"
[ "$(sha256sum <"$system/etc/default/derper")" = "$sum" ] ||
	fail "an upgrade changes /etc/default/derper"
relays_a_packet "after the upgrade"

# what the units would have left
for folder in derper derpverify; do
	mkdir -p "$system/var/lib/private/$folder"
	echo secret >"$system/var/lib/private/$folder/file"
	ln -s "private/$folder" "$system/var/lib/$folder"
done
mkdir "$system/var/lib/derpmap"
echo map >"$system/var/lib/derpmap/derp.yaml"
inside apt-get -qq remove -y derper derpmap >"$work/log" 2>&1 ||
	{ cat "$work/log"; fail "it cannot be removed"; }
[ ! -e "$system/usr/bin/derper" ] || fail "derper is still there"
[ "$(sha256sum <"$system/etc/default/derper")" = "$sum" ] ||
	fail "a removal takes the configuration with it"
[ -e "$system/var/lib/private/derper/file" ] ||
	fail "a removal takes the keys with it"
echo "deb: removed; configuration and keys are there"
# a folder that is a file system of its own can only be emptied
inside sh -c 'mount --bind "$0" "$0" && apt-get -qq purge -y derper derpmap' \
	/var/lib/private/derper >"$work/log" 2>&1 ||
	{ cat "$work/log"; fail "it cannot be purged"; }
rmdir "$system/var/lib/private/derper" || fail "a purge leaves keys"
# mount's own notes
rm -rf "$system/run/mount"
rmdir --ignore-fail-on-non-empty "$system/var/lib/private"
list >"$work/after"
diff "$work/before" "$work/after" || fail "a purge leaves or takes that"
echo "deb: purged; $(wc -l <"$work/after") files and packages as before"
