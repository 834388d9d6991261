{{/* The endpoint of a ServiceMonitor and a PodMonitor. Takes the context and the monitor's values. */}}

{{- define "masternode-exporter.endpoint" -}}
{{- $context := index . 0 -}}
{{- $monitor := index . 1 -}}
{{- $scheme := default (ternary "https" "http" (eq (include "masternode-exporter.tls" $context) "true")) $monitor.scheme -}}
- port: metrics
  path: {{ include "masternode-exporter.telemetryPath" $context }}
  scheme: {{ $scheme }}
  interval: {{ $monitor.interval }}
  scrapeTimeout: {{ $monitor.scrapeTimeout }}
  honorLabels: {{ $monitor.honorLabels }}
  {{- range $key, $value := pick $monitor "tlsConfig" "basicAuth" "authorization" "relabelings" "metricRelabelings" }}
  {{- with $value }}
  {{- toYaml (dict $key .) | nindent 2 }}
  {{- end }}
  {{- end }}
{{- end -}}

{{/* Takes the context and the monitor's values. */}}
{{- define "masternode-exporter.monitorMetadata" -}}
{{- $context := index . 0 -}}
{{- $monitor := index . 1 -}}
name: {{ include "masternode-exporter.fullname" $context }}
namespace: {{ default (include "masternode-exporter.namespace" $context) $monitor.namespace }}
labels:
  {{- include "masternode-exporter.labels" $context | nindent 2 }}
  {{- with $monitor.additionalLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with $monitor.annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
