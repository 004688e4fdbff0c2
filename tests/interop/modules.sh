#!/bin/bash
# Fetches the modules that Go packages here need: modules.sh [FLAG...] PACKAGE...
# Their proxy may fail once: it is asked three times. Exit 77: they cannot be had.
cd "$(dirname "$0")" || exit 1
. ../packages/again.sh
again go list -deps "$@" >/dev/null && exit
echo "$0: the Go modules cannot be had" >&2
exit 77
