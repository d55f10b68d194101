#!/usr/bin/env bash
# Checks the rules, their tests, and what Prometheus and Alertmanager are configured with. Debian: prometheus, prometheus-alertmanager.
set -euo pipefail
cd "$(dirname "$0")/.."
for tool in promtool:prometheus amtool:prometheus-alertmanager; do
  command -v "${tool%:*}" > /dev/null || { echo "no ${tool%:*}: apt-get install --no-install-recommends ${tool#*:}" >&2; exit 1; }
done
quietly() { local said; said=$("$@" 2>&1) || { printf '%s\n' "$said" >&2; echo "failed: $*" >&2; return 1; }; }
route() { [ "$(amtool config routes test --config.file=alertmanager/alertmanager.yml "$@" 2> /dev/null)" = "$receiver" ] || { echo "not told to $receiver: $*" >&2; return 1; }; }

quietly promtool check config prometheus/prometheus.yml
quietly promtool check rules --lint=all --lint-fatal prometheus/rules/*.yml
quietly promtool test rules prometheus/tests/*.test.yml
quietly amtool check-config alertmanager/alertmanager.yml
receiver=pager route alertname=PollwatchCoordinatedActivity severity=critical
receiver=tickets route alertname=PollwatchCoordinatedActivity severity=warning
receiver=nobody route alertname=Anything severity=info
echo "Prometheus and Alertmanager: rules, tests, configuration and routes are right"
