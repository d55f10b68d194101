{{/* Takes (dict "port" NAME "minutes" N). All three processes have the same pages. */}}
{{- define "pollwatch.probes" -}}
# Restoring state and reading topics may take long, and a restart begins anew: until it is done once, nothing else is asked.
startupProbe:
  httpGet: {path: /readyz, port: {{ .port }}}
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: {{ mul .minutes 12 }}
# Fails while partitions move or brokers are away, which is no reason to restart.
readinessProbe:
  httpGet: {path: /readyz, port: {{ .port }}}
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: 2
# Never fails for brokers that are away, back-pressure or recovery, only for what a restart cures (docs/reliability.md).
livenessProbe:
  httpGet: {path: /healthz, port: {{ .port }}}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 3
{{- end }}
