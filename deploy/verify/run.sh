#!/usr/bin/env bash
# `make verify-deploy`: everything in deploy/ that can be checked without a Docker daemon and without a cluster.
# What is missing on this machine is said and left out; with CI set it fails.
set -euo pipefail
cd "$(dirname "$0")/../.."
tools=.venv-deploy/bin python=.venv/bin/python chart=deploy/helm/pollwatch
kubernetes=(1.27 1.31 1.34)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

check() { # NAME COMMAND...: says how it went, and what was said when it went wrong
  local name=$1 began=${EPOCHREALTIME/./}
  shift
  if "$@" > "$work/said" 2>&1; then
    passed=$((passed + 1))
    printf 'ok      %-58s %5d ms\n' "$name" $(((${EPOCHREALTIME/./} - began) / 1000))
  else
    failed=$((failed + 1))
    printf 'FAILED  %s\n' "$name"
    sed 's/^/        /' "$work/said"
  fi
}
missing() { echo "$1"; return 1; }
without() { # WHAT WHY: it is not here
  if [ -n "${CI:-}" ]; then check "$1" missing "$2"; else printf 'left out %s: %s\n' "$1" "$2"; fi
}

template() { "$helm" template release "$chart" --namespace polls --kube-version "$1" --values "$2"; }
rendered() { # every set of values that must be taken, for every version
  local version values
  for version in "${kubernetes[@]}"; do
    for values in deploy/verify/values/good/*.yaml; do
      template "$version" "$values" > "$work/$version-$(basename "$values")" || { echo "$values, Kubernetes $version"; return 1; }
    done
  done
}
refused() { # every set of values that must not be taken, and why
  local values why said
  for values in deploy/verify/values/bad/*.yaml; do
    why=$(sed -n '1s/^# says: //p' "$values")
    if said=$(template 1.31 "$values" 2>&1); then echo "$values was taken"; return 1; fi
    grep -qF "$why" <<< "$said" || { echo "$values was refused for another reason than \"$why\":"; echo "$said"; return 1; }
  done
}
linted() { "$helm" lint --strict --kube-version 1.31 "$chart" --values "$1"; }
packaged() { # a package carries the rules themselves, not the link
  "$helm" package "$chart" --destination "$work" && tar -xzOf "$work"/pollwatch-*.tgz pollwatch/files/rules/cases.yml | cmp - deploy/prometheus/rules/cases.yml
}
valid() { local version; for version in "${kubernetes[@]}"; do "$tools/python" deploy/verify/manifests.py "$version" "$schemas" "$work/$version"-*.yaml || return 1; done; }
wheel() { # what the image installs brings all that is no Python
  .venv/bin/python -m pip wheel -q --no-deps --no-build-isolation --wheel-dir "$work/dist" . &&
    "$python" deploy/verify/wheel.py "$work"/dist/*.whl
}

check "compose.yaml is what the Compose specification asks for" "$tools/check-jsonschema" --builtin-schema vendor.compose-spec deploy/compose.yaml
check "Dockerfile: hadolint" "$tools/hadolint" deploy/Dockerfile
check "YAML: yamllint" "$tools/yamllint" -s -c deploy/verify/yamllint.yaml deploy/compose.yaml deploy/compose deploy/prometheus deploy/alertmanager deploy/grafana "$chart/Chart.yaml" "$chart/values.yaml" deploy/verify
check "the wheel of the image is whole" wheel
if found=$(deploy/verify/tools.sh 2> "$work/tools"); then
  read -r helm schemas <<< "$found"
  check "values.schema.json is a schema" "$tools/check-jsonschema" --check-metaschema "$chart/values.schema.json"
  for values in deploy/verify/values/good/*.yaml; do check "chart: helm lint, $(basename "$values" .yaml)" linted "$values"; done
  check "chart: packs with the rules in it" packaged
  check "chart: refuses what it must" refused
  check "chart: renders for Kubernetes ${kubernetes[*]}" rendered
  check "chart: valid for Kubernetes and the operators' definitions" valid
  check "chart: settings, topics, probes, rules are those of the code" "$python" deploy/verify/rendered.py "$work/1.31"-*.yaml
else
  without "chart" "helm can't be built, which needs Go 1.26 or newer. $(tail -5 "$work/tools")"
fi
check "dashboards are what the code makes" "$python" -m pytest -q tests/test_dashboards.py
if command -v promtool > /dev/null && command -v amtool > /dev/null; then
  check "Prometheus and Alertmanager" deploy/verify/prometheus.sh
else
  without "Prometheus and Alertmanager" "install promtool and amtool (Debian: prometheus, prometheus-alertmanager)"
fi

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
