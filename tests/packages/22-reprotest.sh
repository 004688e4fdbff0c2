#!/bin/bash
# reprotest builds the Debian packages twice, the second time with all varied that
# it can vary: they must be the same bytes.
# Environment: see run.sh. Exit 77: skipped, and says why.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
trap 'exit 1' INT TERM HUP
skip() {
	echo "SKIPPED: $1"
	exit 77
}

[ "$(id -u)" = 0 ] || skip "mounts need root"
command -v reprotest >/dev/null || skip "there is no reprotest command"
why=$(unshare --mount true 2>&1) || skip "no namespaces: $why"

# It wants a sudo that takes -h with a command, and asks for no password.
mkdir "$work/tmp" "$work/tmp/bin" "$work/locale"
cat >"$work/tmp/bin/sudo" <<'END'
#!/bin/sh
while getopts h:Eu:g: option; do
	case $option in
	u) user=$OPTARG ;;
	g) group=$OPTARG ;;
	esac
done
shift $((OPTIND - 1))
[ -n "${user:-}" ] || exec "$@"
exec setpriv --reuid "$user" --regid "${group:-$user}" --clear-groups "$@"
END
chmod +x "$work/tmp/bin/sudo"
chmod 1777 "$work/tmp"
cp -r /usr/lib/locale/. "$work/locale"
localedef -i et_EE -f UTF-8 "$work/locale/et_EE.UTF-8"
mknod -m 666 "$work/fuse" c 10 229 || true

# Runs a command with a /tmp, that other users may enter, and locales of its own,
# and with FUSE for everybody.
inside() {
	unshare --mount --pid --fork --kill-child --mount-proc sh -ec '
		[ ! -e "$0/fuse" ] || [ ! -e /dev/fuse ] ||
			mount --bind "$0/fuse" /dev/fuse
		mount --bind "$0/locale" /usr/lib/locale
		mount --bind "$0/tmp" /tmp
		unset TMPDIR
		export PATH=/tmp/bin:$PATH
		cd /tmp
		"$@"' "$work" "$@"
}

# What cannot be varied here: WHAT, and a trial of it.
left=
try() {
	local what=$1 why
	shift
	why=$(inside "$@" 2>&1) && return
	left+=,-$what
	echo "reprotest: $what is not varied: $why"
}
try user_group sudo -h localhost -u nobody -g nogroup true
try domain_host unshare --uts sh -ec 'hostname other; domainname other'
mkdir -m 777 "$work/tmp/under" "$work/tmp/over"
try fileordering sudo -u nobody -g nogroup sh -ec 'disorderfs -q under over
	fusermount -u over'
try kernel setarch --uname-2.6 true
try aslr setarch -R true
try time faketime +200days true
[ "$(nproc)" -gt 1 ] || try num_cpus sh -c 'echo "there is one"; false'

# a compiler's cache would want a home
unset CMAKE_C_COMPILER_LAUNCHER
debian/build.sh -c "$work/tmp/derpkit"
begun=$SECONDS
variations=+all,user_group.available=nobody:nogroup,domain_host.use_sudo=1
variations+=,time.faketimes=+400days+5hours
# the second of two users cannot replace what the first has left
inside reprotest -v --source-root derpkit \
	--variations="$variations$left" \
	'dpkg-buildpackage -us -uc -b && rm ../*.buildinfo ../*.changes' \
	'../*.deb' >"$work/log" 2>&1 ||
	{ sed '/^Traceback/Q' "$work/log" | tail -n 60; echo "FAILED: reprotest"; exit 1; }
grep -qx 'Reproduction successful' "$work/log" ||
	{ tail -n 40 "$work/log"; echo "FAILED: reprotest did something else"; exit 1; }
count=$(grep -c '^[0-9a-f]\{64\}  .*\.deb$' "$work/log")
varied=$(sed -n 's/.*build "experiment-1": //p' "$work/log" | tr ',' '\n' |
	sed -n 's/^ *vary //p' | xargs)
[ "$count" -ge 2 ] || { echo "FAILED: $count packages"; exit 1; }
echo "reprotest: Reproduction successful: $count packages, varied: $varied" \
	"($((SECONDS - begun)) s)"
