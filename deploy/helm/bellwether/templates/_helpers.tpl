{{- define "bellwether.name" -}}
{{- .Values.fullnameOverride | default .Release.Name | trunc 42 | trimSuffix "-" -}}
{{- end }}

{{- define "bellwether.selector" -}}
app.kubernetes.io/name: bellwether
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "bellwether.labels" -}}
{{ include "bellwether.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "bellwether.secret" -}}
{{- .Values.secret.name | default (printf "%s-secret" (include "bellwether.name" .)) -}}
{{- end }}

{{- define "bellwether.doorSecret" -}}
{{- .Values.door.secretName | default (printf "%s-door" (include "bellwether.name" .)) -}}
{{- end }}

{{- /* What programs dial: the names of the service, from the shortest to the longest, and those of the values. */ -}}
{{- define "bellwether.hosts" -}}
{{- $name := include "bellwether.name" . -}}
{{- $space := .Release.Namespace -}}
{{- concat (list $name (printf "%s.%s" $name $space) (printf "%s.%s.svc" $name $space) (printf "%s.%s.svc.cluster.local" $name $space)) .Values.door.hosts | toJson -}}
{{- end }}
