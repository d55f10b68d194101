#!/usr/bin/env bash
# Installs what `make verify-deploy` needs and PyPI does not have, into the user's cache, once: helm, and the schemas of the custom
# resources from the operators' own Go modules. Prints the folder. Exit 75: there is no Go to do it with.
set -euo pipefail
cd "$(dirname "$0")"
HELM=v3.22.0 OPERATOR=v0.85.0 KEDA=v2.16.0
tools=${XDG_CACHE_HOME:-$HOME/.cache}/pollwatch/deploy-tools
helm=$tools/helm-$HELM schemas=$tools/schemas-$OPERATOR-$KEDA
export CGO_ENABLED=0 GOFLAGS=-buildvcs=false GOTOOLCHAIN=local

if [ ! -x "$helm/helm" ] || [ ! -d "$schemas" ]; then
  command -v go > /dev/null || exit 75
  mkdir -p "$tools"
fi
# each appears whole or not at all
if [ ! -x "$helm/helm" ]; then
  echo "installing helm $HELM (two minutes, once)" >&2
  GOBIN=$tools/new-$$ go install "helm.sh/helm/v3/cmd/helm@$HELM"
  rm -rf "$helm" && mv "$tools/new-$$" "$helm"
fi
if [ ! -d "$schemas" ]; then
  module() { go mod download -json "$1" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p'; }
  operator=$(module github.com/prometheus-operator/prometheus-operator@$OPERATOR)/example/prometheus-operator-crd
  keda=$(module github.com/kedacore/keda/v2@$KEDA)/config/crd/bases
  ../../.venv-deploy/bin/python crd_schemas.py "$tools/new-$$" \
    "$operator"/monitoring.coreos.com_{podmonitors,prometheusrules}.yaml "$keda/keda.sh_scaledobjects.yaml"
  mv "$tools/new-$$" "$schemas"
fi
echo "$helm/helm $schemas"
