{{/* Names and labels. */}}

{{- define "masternode-exporter.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "masternode-exporter.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "masternode-exporter.name" . -}}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "masternode-exporter.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride -}}
{{- end -}}

{{/* Labels that do not change with upgrades, for selectors. */}}
{{- define "masternode-exporter.selectorLabels" -}}
app.kubernetes.io/name: {{ include "masternode-exporter.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* Labels of the pods that run the exporter, of this chart or with the sidecar. */}}
{{- define "masternode-exporter.podSelector" -}}
{{- if ne .Values.kind "None" -}}
{{ include "masternode-exporter.selectorLabels" . }}
app.kubernetes.io/component: exporter
{{- else if .Values.sidecarPodLabels -}}
{{ tpl (toYaml .Values.sidecarPodLabels) . }}
{{- else -}}
{{- fail "\n\nsidecarPodLabels is empty: with kind None, name the labels of the pods that carry the sidecar, or switch off service, podMonitor and serviceMonitor\n" -}}
{{- end -}}
{{- end -}}

{{- define "masternode-exporter.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "masternode-exporter.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: {{ include "masternode-exporter.name" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "masternode-exporter.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "masternode-exporter.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "masternode-exporter.image" -}}
{{- $image := .Values.image -}}
{{- with $image.registry }}{{ . }}/{{ end -}}
{{ $image.repository }}
{{- if $image.digest }}@{{ $image.digest }}{{ else }}:{{ default .Chart.AppVersion $image.tag }}{{ end -}}
{{- end -}}

{{- define "masternode-exporter.claimName" -}}
{{- default (printf "%s-history" (include "masternode-exporter.fullname" .)) .Values.persistence.existingClaim -}}
{{- end -}}
