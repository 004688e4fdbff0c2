#!/bin/sh
# Makes the root file system of an image: rootfs.sh FOLDER PROGRAM...
# The programs, stripped; the libraries that they need or load later (their
# .note.dlopen names those); the system's certificate roots; a user that is not
# root; of each Debian package in it, licence and entry for vulnerability
# scanners, which read /var/lib/dpkg/status.d.
set -eu
root=$1
shift

# The package of a file, whose name dpkg knows with or without /usr.
package_of() {
	for path in "$1" "/usr$1" "${1#/usr}"; do
		! dpkg-query -S "$path" 2>/dev/null || return 0
	done
	echo "rootfs: $1 belongs to no package" >&2
	return 1
}

add_package() {
	package=${1%%:*}
	[ ! -e "$root/var/lib/dpkg/status.d/$package" ] || return 0
	dpkg-query -s "$package" >"$root/var/lib/dpkg/status.d/$package"
	install -D -m 644 "/usr/share/doc/$package/copyright" \
		"$root/usr/share/doc/$package/copyright"
}

# A file with its folder's name, and where that is a link, what it leads to.
add_library() {
	folder=$(realpath "$(dirname "$1")")
	[ ! -e "$root$folder/$(basename "$1")" ] || return 0
	install -D -m 755 "$1" "$root$folder/$(basename "$1")"
	add_package "$(package_of "$1")"
}

# Libraries that a file names to be loaded later.
late_libraries() {
	objcopy --dump-section .note.dlopen=/dev/stdout "$1" /dev/null \
		2>/dev/null | grep -ao '"soname":\["[^"]*"' | cut -d'"' -f4 |
	while read -r name; do
		ldconfig -p | awk -v name="$name" \
			'$1 == name { print $NF; exit }'
	done
}

add_libraries() {
	ldd "$1" | awk '{ for (i = 1; i <= NF; i++) if ($i ~ /^\//) print $i }' |
	while read -r library; do
		add_library "$library"
	done
	for library in $(late_libraries "$1"); do
		add_library "$library"
		add_libraries "$library"
	done
}

install -d "$root/usr/bin" "$root/usr/lib" "$root/usr/lib64" "$root/etc" \
	"$root/run" "$root/var/lib/dpkg/status.d"
install -d -m 1777 "$root/tmp"
ln -s usr/bin "$root/bin"
ln -s usr/lib "$root/lib"
ln -s usr/lib64 "$root/lib64"
ln -s ../run "$root/var/run"
for program; do
	install -m 755 -s "$program" "$root/usr/bin/"
	add_libraries "$program"
done
install -D -m 644 /etc/ssl/certs/ca-certificates.crt \
	"$root/etc/ssl/certs/ca-certificates.crt"
add_package ca-certificates
# where OpenSSL looks for them
install -d "$root/usr/lib/ssl"
ln -s /etc/ssl/certs/ca-certificates.crt "$root/usr/lib/ssl/cert.pem"
ln -s /etc/ssl/certs "$root/usr/lib/ssl/certs"
install -D -m 644 LICENSE "$root/usr/share/doc/derpkit/copyright"
echo 'derper:x:65532:65532:derpkit:/var/lib/derper:/nonexistent' >"$root/etc/passwd"
echo 'derper:x:65532:' >"$root/etc/group"
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
