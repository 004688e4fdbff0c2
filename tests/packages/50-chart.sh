#!/bin/bash
# The Helm chart: helm's own checks, what it makes against the schemas of
# Kubernetes, what it must refuse; then a mesh of two relays with exactly the
# arguments, files, user and capabilities that it gives (chart.py), in namespaces.
# Environment: see run.sh. Exit 77: skipped, and says why.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
. tests/packages/again.sh
skip() {
	echo "SKIPPED: $1"
	exit 77
}
shown() { echo "chart: $*"; }
chart=chart/derper
bin=$(realpath "${DERPKIT_BIN:-build/bin}")

command -v go >/dev/null || skip "there is no go command to build helm with"
# a module of its own, so that no other build waits for helm's modules
helm=$work/helm
if ! again env -C tests/packages/helm GOFLAGS=-buildvcs=false go build \
    -o "$work/" helm.sh/helm/v3/cmd/helm ./podmonitor >"$work/log" 2>&1; then
	skip "helm cannot be built here: $(tail -n 1 "$work/log")"
fi
export HELM_CONFIG_HOME=$work/config HELM_CACHE_HOME=$work/cache \
	HELM_DATA_HOME=$work/data
python3 -m venv "$work/venv"
again "$work/venv/bin/pip" -q install kubernetes-validate==1.37.0 PyYAML==6.0.4 ||
	skip "kubernetes-validate cannot be installed"

version=$(sed -n 's/^project(derpkit VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
grep -qx "appVersion: \"$version\"" $chart/Chart.yaml || {
	echo "chart: appVersion is not $version" >&2
	exit 1
}
for values in "$chart"/ci/*-values.yaml; do
	name=$(basename "$values" -values.yaml)
	"$helm" lint --strict --kube-version 1.30.0 $chart -f "$values" >"$work/log" 2>&1 ||
		{ cat "$work/log" >&2; exit 1; }
	"$helm" template demo --kube-version 1.30.0 $chart -f "$values" >"$work/$name.yaml"
	# a PodMonitor is not of Kubernetes: the operator's types check it
	"$work/venv/bin/python" - "$work/$name.yaml" "$work/$name" <<'END'
import sys, yaml
documents = [d for d in yaml.safe_load_all(open(sys.argv[1])) if d]
for own, suffix in ((True, ".monitor.yaml"), (False, ".core.yaml")):
    some = [d for d in documents if (d["kind"] == "PodMonitor") == own]
    with open(sys.argv[2] + suffix, "w") as f:
        yaml.safe_dump_all(some, f)
END
	"$work/venv/bin/kubernetes-validate" --strict "$work/$name.core.yaml" \
		>"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
	"$work/podmonitor" <"$work/$name.monitor.yaml"
	shown "$name: helm lint --strict, kubernetes-validate --strict:" \
		"$(grep '^kind:' "$work/$name.yaml" | cut -d' ' -f2 | xargs)"
done

# and these checks do find mistakes
if sed 's/hostNetwork:/hostNetwok:/' "$work/single.core.yaml" >"$work/bad.yaml" &&
    "$work/venv/bin/kubernetes-validate" --strict "$work/bad.yaml" \
	>/dev/null 2>&1; then
	echo "chart: kubernetes-validate takes anything" >&2
	exit 1
fi
if sed 's/interval:/intervall:/' "$work/daemonset.monitor.yaml" |
    "$work/podmonitor" 2>/dev/null; then
	echo "chart: podmonitor takes anything" >&2
	exit 1
fi

# What is wrong must be said, not rendered: WORDS VALUES...
refuses() {
	local want=$1
	shift
	if "$helm" template demo --kube-version 1.30.0 $chart -f $chart/ci/daemonset-values.yaml "$@" \
	    >/dev/null 2>"$work/log"; then
		echo "chart: $* is not refused" >&2
		exit 1
	fi
	grep -q -- "$want" "$work/log" || { cat "$work/log" >&2; exit 1; }
}
refuses 'say who may use the relays' --set admission.nodes.existingSecret=
refuses 'name the nodes' --set 'nodes=null'
refuses 'several relays of one region need' --set mesh.existingSecret=
refuses 'mesh.key\|mesh/key' --set mesh.key=abc
refuses 'name the Secret' --set certificate.secretName=
refuses 'keep what is ordered' --set certificate.mode=acme
refuses 'for a StatefulSet' --set state.claim.enabled=true
refuses 'admision' --set admision.open=true
refuses 'ports.http' --set ports.http=-1
# names that no resolver takes: a label of 64 characters, 254 in all, no label
label=$(printf 'a%.0s' {1..63})
name=$label.$label.$label
refuses '/domain' --set "domain=a$label.example"
refuses '/domain' --set "domain=$name.${label:1}"
refuses '/domain' --set domain=derp..example
refuses '/nodes/0' --set "nodes={a$label}"
refuses 'longer than the 253' --set "domain=$name.${label:7}"
"$helm" template demo --kube-version 1.30.0 $chart -f $chart/ci/daemonset-values.yaml \
	--set "domain=$name.${label:8}" >/dev/null
shown "fourteen mistakes in values are refused with a reason"

for program in setcap setpriv ip; do
	command -v $program >/dev/null || skip "there is no $program command"
done
[ "$(id -u)" = 0 ] || skip "users and namespaces need root here"
unshare -m -n --pid --fork --mount-proc true 2>"$work/why" ||
	 skip "no namespaces: $(cat "$work/why")"
unshare -n sh -ec 'ip link add bridge type bridge
	ip link add one type veth peer name other' 2>"$work/why" ||
	skip "no bridge or veth: $(cat "$work/why")"
cp "$bin/derper" "$work/try"
setcap cap_net_bind_service=p "$work/try" 2>"$work/why" ||
	skip "no file capabilities: $(cat "$work/why")"
rm "$work/try"
cat >"$work/open.yaml" <<'END'
domain: derp.example.com
nodes: [fra-1, fra-2]
mesh:
  existingSecret: derp-mesh
certificate:
  secretName: derp-tls
admission:
  open: true
extraEnv:
  - name: SSL_CERT_FILE
    value: /etc/derper/ca/ca.crt
extraVolumes:
  - name: ca
    secret:
      secretName: derp-ca
extraVolumeMounts:
  - name: ca
    mountPath: /etc/derper/ca
END
"$helm" template demo --kube-version 1.30.0 $chart -f "$work/open.yaml" >"$work/mesh.yaml"
"$helm" template demo --kube-version 1.30.0 $chart -f "$work/open.yaml" --set admission.open=false \
	--set admission.nodes.existingSecret=derp-nodes >"$work/members.yaml"
# Processes of its own, too: what it leaves ends with it. bash waits for what has
# no parent any more.
unshare -m -n --pid --fork --kill-child --mount-proc --propagation private bash -euc '
	mount -t tmpfs tmpfs /run
	ip link set lo up
	"$@"
	exit
' chart "$work/venv/bin/python" -B tests/packages/chart.py "$work" "$bin"
