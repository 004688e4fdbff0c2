#!/bin/bash
# The Debian packages for arm64, cross-compiled on a new Debian, and the unit
# tests, which run there under qemu-user.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/packages/common.sh
system=$work/system
qemu=/usr/bin/qemu-aarch64-static

# Runs commands in the new Debian; their output is in $work/log.
tried() {
	unshare --mount --pid --fork --kill-child \
		tests/packages/enter.sh "$system" \
		env DEB_BUILD_OPTIONS=nocheck sh -ec "$1" >"$work/log" 2>&1
}

# They must succeed; prints the last lines when they fail.
inside() {
	tried "$1" || { tail -n 40 "$work/log"; fail "$2"; }
}

tests/packages/unpack.sh "$system"
echo force-unsafe-io >"$system/etc/dpkg/dpkg.cfg.d/fast"
debian/build.sh -c "$system/source"

# apt takes the libraries of the one architecture and the tools of the other
begun=$SECONDS
again tried 'dpkg --add-architecture arm64
	apt-get -qq -o APT::Update::Error-Mode=any update
	apt-cache show libc6:arm64' ||
	skip "apt finds no arm64: $(tail -n 1 "$work/log")"
again tried 'cd /source
	apt-get -qq -y --no-install-recommends build-dep -a arm64 -P cross,nocheck .
	apt-get -qq -y --no-install-recommends install crossbuild-essential-arm64 \
		libcmocka-dev:arm64 openssl ca-certificates python3-jsonschema' ||
	{ tail -n 40 "$work/log"; fail "arm64's packages cannot be installed"; }
echo "arm64: compiler and libraries installed in $((SECONDS - begun)) s"

begun=$SECONDS
inside 'cd /source
	dpkg-buildpackage -us -uc -b -aarm64 -Pcross,nocheck
	for deb in ../derper_*_arm64.deb ../derpmap_*_arm64.deb; do
		dpkg-deb -x $deb /built
	done' "the packages do not build"
for program in derper derpmap derpverify; do
	readelf -h "$system/built/usr/bin/$program" | grep -q AArch64 ||
		fail "$program is not for arm64"
	inside "$qemu /built/usr/bin/$program --version" \
		"$program does not start"
	grep -q "^$program [0-9]" "$work/log" || fail "$(cat "$work/log")"
done
echo "arm64: packages built in $((SECONDS - begun)) s; the programs start"

# The unit tests, of the code as it is compiled for a release. Optimised across
# files, each of the programs would take seconds to link.
begun=$SECONDS
programs=$(basename -s .c -a "$system"/source/tests/unit/*/test_*.c | tr '\n' ' ')
inside "cd /source
	cmake -S . -B unit -G Ninja -DCMAKE_SYSTEM_NAME=Linux \
		-DCMAKE_SYSTEM_PROCESSOR=aarch64 \
		-DCMAKE_C_COMPILER=aarch64-linux-gnu-gcc \
		-DPKG_CONFIG_EXECUTABLE=/usr/bin/aarch64-linux-gnu-pkg-config \
		-DCMAKE_CROSSCOMPILING_EMULATOR=$qemu \
		-DDERPKIT_LTO=OFF -DDERPKIT_TESTS=ON >/dev/null
	cmake --build unit -- --quiet $programs" "the unit tests do not build"
echo "arm64: unit tests built in $((SECONDS - begun)) s"
begun=$SECONDS
inside "/source/tests/packages/emulated_tests.sh /source /source/unit $qemu" \
	"unit tests under qemu-user"
sed 's/^/arm64: /' "$work/log"
echo "arm64: unit tests run in $((SECONDS - begun)) s"
