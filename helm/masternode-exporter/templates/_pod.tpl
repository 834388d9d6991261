{{/* The pod of the Deployment or StatefulSet, and the claim of its history. */}}

{{- define "masternode-exporter.pod" -}}
serviceAccountName: {{ include "masternode-exporter.serviceAccountName" . }}
automountServiceAccountToken: false
enableServiceLinks: false
terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- with .Values.extraInitContainers }}
initContainers:
  {{- toYaml . | nindent 2 }}
{{- end }}
containers:
  - {{ include "masternode-exporter.container" . | nindent 4 | trim }}
  {{- with .Values.extraContainers }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with include "masternode-exporter.volumes" . }}
volumes:
  {{- . | nindent 2 }}
{{- end }}
{{- $spread := list }}
{{- $wanted := .Values.topologySpreadConstraints }}
{{- if and (not $wanted) (gt (int .Values.replicaCount) 1) }}
{{- $wanted = list (dict "maxSkew" 1 "topologyKey" "kubernetes.io/hostname" "whenUnsatisfiable" "ScheduleAnyway") }}
{{- end }}
{{- range $wanted }}
{{- $selector := dict "matchLabels" (include "masternode-exporter.podSelector" $ | fromYaml) }}
{{- $spread = append $spread (merge (deepCopy .) (ternary dict (dict "labelSelector" $selector) (hasKey . "labelSelector"))) }}
{{- end }}
{{- with $spread }}
topologySpreadConstraints:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- $plain := pick .Values "imagePullSecrets" "nodeSelector" "tolerations" "affinity" "hostAliases" "dnsConfig" "dnsPolicy" "priorityClassName" "runtimeClassName" }}
{{- range $key, $value := $plain }}
{{- with $value }}
{{ toYaml (dict $key .) }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "masternode-exporter.claim" -}}
accessModes:
  {{- toYaml .Values.persistence.accessModes | nindent 2 }}
{{- with .Values.persistence.storageClass }}
storageClassName: {{ . | quote }}
{{- end }}
resources:
  requests:
    storage: {{ .Values.persistence.size | quote }}
{{- end -}}
