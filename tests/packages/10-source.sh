#!/bin/bash
# make dist, and make install and uninstall from what it made.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
	echo "FAILED: $*"
	exit 1
}

# The number in CMakeLists.txt is the only one; the package has it as well.
version=$(sed -n 's/^project.derpkit VERSION \([^ ]*\) .*/\1/p' CMakeLists.txt)
[ "$(sed -n '1s/derpkit (\(.*\)) .*/\1/p' debian/changelog)" = "$version" ] ||
	fail "debian/changelog has another version than CMakeLists.txt"
# What is built with is in two lists.
for package in $(.ci/deps --list build | grep -v -e '^gcc$' -e '^libc6-dev$'); do
	[ "$package" != pkg-config ] || package=pkgconf
	grep -q "^ *$package\( \|,\)" debian/control ||
		fail "debian/control does not build with $package"
done
# dpkg-buildpackage asks for it beside what debian/control names
.ci/deps --list deb | grep -qx build-essential ||
	fail "make deb does not install build-essential"

if [ ! -e .git ]; then
	echo "SKIPPED: this is not a checkout of git, which make dist archives"
	exit 77
fi
name=derpkit-$version
git clone -q --shared --no-tags . "$work/first"
git clone -q --shared --no-tags . "$work/elsewhere"
make -s -C "$work/first" dist >/dev/null
(umask 077 && cd "$work/elsewhere" && touch -d 2001-01-01 * &&
	LC_ALL=C.UTF-8 TZ=Asia/Tokyo make -s dist >/dev/null)
cmp "$work/first/$name.tar.gz" "$work/elsewhere/$name.tar.gz" ||
	fail "two archives of one commit differ"
echo "source: make dist: $(sha256sum <"$work/first/$name.tar.gz" |
	cut -c 1-16)... twice"

tar -xzf "$work/first/$name.tar.gz" -C "$work"
cd "$work/$name"
# there is nothing to archive from, and nothing is made
! make -s dist >"$work/log" 2>&1 || fail "make dist without a commit"
[ ! -e "$name.tar.gz" ] || fail "make dist leaves an empty archive"
# whoever calls git has the build fail
mkdir "$work/bin"
printf '#!/bin/sh\nexit 42\n' >"$work/bin/git"
chmod +x "$work/bin/git"
# sudo make install, in the tree of somebody else
[ "$(id -u)" != 0 ] || chown -R 65534 .
begun=$SECONDS
# what others are to use, they can, whatever umask the administrator has
prefix='/opt/derp kit'
root_folder="$work/the root"
(umask 077 && PATH=$work/bin:$PATH make -s install DESTDIR="$root_folder" \
	PREFIX="$prefix" >"$work/log" 2>&1) || { tail -n 30 "$work/log"; fail "it does not build"; }
echo "source: built and installed without git in $((SECONDS - begun)) s"

owner=$(stat -c %u .)
foreign=$(find build build.log ! -uid "$owner" -print -quit)
[ -z "$foreign" ] || fail "$foreign is not its owner's, who cannot build again"

into=$root_folder$prefix
closed=$(find "$root_folder" -mindepth 1 ! -type l \( ! -perm -444 \
	-o -type d ! -perm -555 \))
[ -z "$closed" ] || fail "only root can read $closed"
commit=$(git -C "$root" rev-parse HEAD | cut -c 1-12)
for program in derper derpmap derpverify; do
	[ "$("$into/bin/$program" --version)" = "$program $version ($commit)" ] ||
		fail "$program --version: $("$into/bin/$program" --version)"
	for files in "share/man/man[18]/$program.*" \
	    "lib/systemd/system/$program*.*" \
	    "share/bash-completion/completions/$program" \
	    "share/zsh/site-functions/_$program" \
	    "share/fish/vendor_completions.d/$program.fish"; do
		compgen -G "$into/$files" >/dev/null ||
			fail "$files is not installed"
	done
done
for file in share/derpkit/schemas/derpmap.schema.json \
    share/doc/derpkit/README.md share/doc/derpkit/rules.md; do
	[ -s "$into/$file" ] || fail "$file is not installed"
done
grep -h '^ExecStart=' "$into"/lib/systemd/system/*.service |
	grep -v '^ExecStart=/opt/derp.x20kit/bin/' &&
	fail "a unit starts another program than the one installed"
count=$(find "$root_folder" ! -type d | wc -l)

# what is not ours stays
echo mine >"$into/share/mine"
PATH=$work/bin:$PATH make -s uninstall DESTDIR="$root_folder" \
	PREFIX="$prefix" >"$work/log" 2>&1 || {
	tail -n 30 "$work/log"
	fail "make uninstall"
}
left=$(cd "$into" && find . -mindepth 1 ! -path ./bin ! -path ./lib \
	! -path ./share ! -path ./share/man)
[ "$left" = ./share/mine ] || fail "make uninstall leaves: $left"
grep -q "^removed $count files " "$work/log" || fail "$(cat "$work/log")"
echo "source: $count files installed below PREFIX, and removed"
