#!/bin/bash
# The Grafana dashboard against Grafana's own types: what it does not know, or
# wants otherwise, is an error of the TypeScript compiler.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
. tests/packages/again.sh
dashboard=$PWD/examples/monitoring/grafana-derpkit.json

command -v npm >/dev/null || { echo "SKIPPED: npm is not installed"; exit 77; }
cd "$folder"
echo '{"private": true}' >package.json
again npm install --silent --no-audit --no-fund @grafana/schema@12.4.11 \
	typescript@5.9.3 || {
	echo "SKIPPED: @grafana/schema cannot be installed"
	exit 77
}

# $1: a dashboard. The compiler's verdict.
compiles() {
	{
		echo 'import { Dashboard, ThresholdsMode } from'
		echo '  "@grafana/schema/dist/types/raw/dashboard/x/types.gen";'
		echo 'export const dashboard: Dashboard ='
		# an enumeration in TypeScript, its string in JSON
		sed 's/"mode": "absolute"/"mode": ThresholdsMode.Absolute/' "$1"
	} >check.ts
	npx tsc --noEmit --skipLibCheck --moduleResolution node check.ts
}

compiles "$dashboard"
echo "grafana: the dashboard is what @grafana/schema says"
sed 's/"gridPos"/"gridpos"/' "$dashboard" >broken.json
if compiles broken.json >/dev/null; then
	echo "grafana: a misspelled key was not found" >&2
	exit 1
fi
echo "grafana: a misspelled key is found"
