#!/bin/bash
# The Debian packages for arm64, cross-compiled on a new Debian, and the unit
# tests, which run there under qemu-user.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/packages/common.sh
system=$work/system

# Runs commands in the new Debian; prints the last lines when they fail.
inside() {
	unshare --mount --pid --fork --kill-child \
		tests/packages/enter.sh "$system" \
		env DEB_BUILD_OPTIONS=nocheck sh -ec "$1" >"$work/log" 2>&1 ||
		{ tail -n 40 "$work/log"; fail "$2"; }
}

tests/packages/unpack.sh "$system"
echo force-unsafe-io >"$system/etc/dpkg/dpkg.cfg.d/fast"
debian/build.sh -c "$system/source"

# apt takes the libraries of the one architecture and the tools of the other
begun=$SECONDS
inside 'dpkg --add-architecture arm64
	apt-get -qq update
	cd /source
	apt-get -qq -y --no-install-recommends build-dep -a arm64 -P cross,nocheck .
	apt-get -qq -y --no-install-recommends install crossbuild-essential-arm64 \
		libcmocka-dev:arm64' "arm64's packages cannot be installed"
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
	inside "qemu-aarch64-static /built/usr/bin/$program --version" \
		"$program does not start"
	grep -q "^$program [0-9]" "$work/log" || fail "$(cat "$work/log")"
done
echo "arm64: packages built in $((SECONDS - begun)) s; the programs start"

# The shelves that have to do with the order of bytes and their alignment.
begun=$SECONDS
programs=$(basename -s .c -a tests/unit/{base,proto,doc}/test_*.c | tr '\n' ' ')
inside "cd /source
	cmake -S . -B unit -G Ninja -DCMAKE_SYSTEM_NAME=Linux \
		-DCMAKE_SYSTEM_PROCESSOR=aarch64 \
		-DCMAKE_C_COMPILER=aarch64-linux-gnu-gcc \
		-DPKG_CONFIG_EXECUTABLE=/usr/bin/aarch64-linux-gnu-pkg-config \
		-DCMAKE_CROSSCOMPILING_EMULATOR=/usr/bin/qemu-aarch64-static \
		-DDERPKIT_LTO=OFF -DDERPKIT_TESTS=ON >/dev/null
	cmake --build unit -- --quiet $programs" "the unit tests do not build"
inside 'ctest --test-dir /source/unit -j "$(nproc)" --output-on-failure \
	-R "^unit\.(base|proto|doc)\."' "unit tests under qemu-user"
passed=$(sed -n 's/^100% tests passed, 0 tests failed out of //p' "$work/log")
[ "$passed" -ge "$(echo "$programs" | wc -w)" ] || fail "$(tail "$work/log")"
echo "arm64: $passed unit tests pass under qemu-user, $((SECONDS - begun)) s"
