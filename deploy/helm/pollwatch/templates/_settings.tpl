{{/* A value of YAML as TOML writes it. YAML's numbers arrive as floats: whole ones are written as whole numbers. */}}
{{- define "pollwatch.toml.value" -}}
{{- if kindIs "float64" . -}}
{{- if eq (floor .) . }}{{ int64 . }}{{ else }}{{ . }}{{ end -}}
{{- else -}}
{{ mustToRawJson . }}
{{- end -}}
{{- end }}

{{/* pollwatch.toml: `settings`, and where the files of `fileSettings` are mounted. */}}
{{- define "pollwatch.toml" -}}
{{- $sections := deepCopy .Values.settings -}}
{{- range $name := keys .Values.fileSettings -}}
{{- $section := splitList "." $name | first -}}
{{- $keys := get $sections $section | default dict -}}
{{- $_ := set $keys (splitList "." $name | last) (printf "/run/pollwatch/%s" $name) -}}
{{- $_ := set $sections $section $keys -}}
{{- end -}}
{{- if .Values.notify.enabled -}}
{{- $_ := set $sections "notify" (merge (dict "targets" "/run/pollwatch-notify/targets.toml") ($sections.notify | default dict)) -}}
{{- end -}}
# Written by the chart {{ .Chart.Name }} {{ .Chart.Version }} from settings and fileSettings of its values.
{{- range $section, $keys := $sections }}

[{{ $section }}]
{{- range $key, $value := $keys }}
{{- if not (kindIs "invalid" $value) }}
{{ $key }} = {{ include "pollwatch.toml.value" $value }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* The files a component mounts: those of the sections it reads. Takes (dict "root" . "sections" (list "kafka" ...)). */}}
{{- define "pollwatch.files" -}}
{{- $sections := .sections -}}
{{- range $name, $from := .root.Values.fileSettings }}
{{- if has (splitList "." $name | first) $sections }}
- {{ ternary "secret" "configMap" (hasKey $from "secret") }}:
    name: {{ $from.secret | default $from.configMap }}
    items:
      - {key: {{ $from.key | quote }}, path: {{ $name | quote }}}
{{- end }}
{{- end }}
{{- end }}
