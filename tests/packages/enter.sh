#!/bin/sh
# Runs a command in a root that unpack.sh has made, with no variable of this
# machine but its proxies. The caller gives it a namespace for mounts.
#   enter.sh DIR COMMAND...
set -eu
root=$1
shift
mount -t proc proc "$root/proc"
exec chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
	LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
	${http_proxy:+"http_proxy=$http_proxy"} \
	${https_proxy:+"https_proxy=$https_proxy"} \
	${no_proxy:+"no_proxy=$no_proxy"} "$@"
