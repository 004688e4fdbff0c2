#!/bin/sh
# Builds the images REGISTRY/derper and REGISTRY/derpmap, tagged with the version
# and as latest; `make image`.
#   REGISTRY   localhost by default, which no registry can be asked for
#   BUILDER    docker, podman or buildah; by default the first that is there
set -eu
cd "$(dirname "$0")/.."
registry=${REGISTRY:-localhost}
builder=${BUILDER:-}
for program in docker podman buildah; do
	[ -n "$builder" ] || ! command -v $program >/dev/null || builder=$program
done
if [ -z "$builder" ]; then
	echo "image: there is no docker, podman or buildah here;" \
		"on Debian: apt install podman" >&2
	exit 1
fi
version=$(sed -n 's/^project(derpkit VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
commit=$(git rev-parse --short=12 HEAD 2>/dev/null || true)
# HEALTHCHECK is Docker's: the OCI form of an image does not have it
format=
case ${builder##*/} in podman | buildah) format='--format docker' ;; esac
for image in derper derpmap; do
	# shellcheck disable=SC2086
	"$builder" build $format ${BUILDER_OPTIONS:-} -f container/Dockerfile \
		--target $image --build-arg COMMIT="$commit" \
		-t "$registry/$image:$version" -t "$registry/$image:latest" .
	echo "image: $registry/$image:$version"
done
