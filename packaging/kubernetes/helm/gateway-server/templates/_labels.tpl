{{- define "gateway-server.selector" -}}
app.kubernetes.io/name: gateway-server
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "gateway-server.metadata" -}}
name: {{ .Release.Name }}
labels:
  {{- include "gateway-server.selector" . | nindent 2 }}
  app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
  app.kubernetes.io/managed-by: {{ .Release.Service }}
  helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}
