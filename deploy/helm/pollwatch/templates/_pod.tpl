{{/* What all pods share. Takes (dict "root" . "component" NAME "settings" CONFIGMAP "sections" LIST "grace" SECONDS "container" YAML), and
     where they differ "serviceAccount", "restartPolicy", "secret": a Secret to mount whole. */}}
{{- define "pollwatch.pod" -}}
{{- $values := .root.Values -}}
{{- $files := include "pollwatch.files" (dict "root" .root "sections" .sections) -}}
metadata:
  labels:
    {{- include "pollwatch.selector" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
    {{- with $values.pod.labels }}{{ toYaml . | nindent 4 }}{{ end }}
  annotations:
    # other settings are other pods
    checksum/settings: {{ include "pollwatch.toml" .root | sha256sum }}
    {{- with $values.pod.annotations }}{{ toYaml . | nindent 4 }}{{ end }}
spec:
  serviceAccountName: {{ .serviceAccount | default (include "pollwatch.serviceAccount" .root) }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ .grace }}
  {{- with .restartPolicy }}
  restartPolicy: {{ . }}
  {{- end }}
  {{- with $values.imagePullSecrets }}
  imagePullSecrets: {{ toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.pod.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 10001
    runAsGroup: 10001
    fsGroup: 10001
    seccompProfile: {type: RuntimeDefault}
  containers:
    - name: {{ .component }}
      image: {{ include "pollwatch.image" .root | quote }}
      imagePullPolicy: {{ $values.image.pullPolicy }}
      args: [{{ .component }}, --config, /etc/pollwatch/pollwatch.toml]
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: {drop: [ALL]}
      {{- .container | nindent 6 }}
      volumeMounts:
        - {name: settings, mountPath: /etc/pollwatch, readOnly: true}
        - {name: tmp, mountPath: /tmp}
        {{- if $files }}
        - {name: files, mountPath: /run/pollwatch, readOnly: true}
        {{- end }}
        {{- if .secret }}
        - {name: secret, mountPath: /run/pollwatch-{{ .component }}, readOnly: true}
        {{- end }}
  volumes:
    - name: settings
      configMap: {name: {{ .settings }}}
    - name: tmp
      emptyDir: {sizeLimit: 64Mi}
    {{- if $files }}
    - name: files
      projected:
        # octal 0440: read by the user of the pod, and by nobody else
        defaultMode: 288
        sources: {{ $files | nindent 10 }}
    {{- end }}
    {{- with .secret }}
    - name: secret
      secret: {secretName: {{ . }}, defaultMode: 288}
    {{- end }}
  {{- with $values.pod.nodeSelector }}
  nodeSelector: {{ toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.pod.tolerations }}
  tolerations: {{ toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.pod.affinity }}
  affinity: {{ toYaml . | nindent 4 }}
  {{- end }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "pollwatch.selector" .root | nindent 10 }}
          app.kubernetes.io/component: {{ .component }}
{{- end }}
