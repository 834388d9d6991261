{{/* The configuration file, and the Secrets that it names. */}}

{{- define "masternode-exporter.configFile" -}}
# Made by Helm of the value `config`.
{{ toYaml .Values.config }}
{{- end -}}

{{/* Changes with the configuration, so that pods are rolled: a Secret that exists already is not known here. */}}
{{- define "masternode-exporter.checksum" -}}
{{- include "masternode-exporter.configFile" . | sha256sum -}}
{{- end -}}

{{- define "masternode-exporter.ownConfig" -}}
{{- if and .Values.config (not .Values.existingConfig.name) }}true{{ end -}}
{{- end -}}

{{- define "masternode-exporter.hasConfig" -}}
{{- if and (not .Values.demo.enabled) (or .Values.config .Values.existingConfig.name) }}true{{ end -}}
{{- end -}}

{{/* Names of the Secrets that are mounted, as a list in JSON: those that paths in the configuration name, then `secrets`. */}}
{{- define "masternode-exporter.secretNames" -}}
{{- $names := list -}}
{{- range regexFindAll "/etc/masternode-exporter/secrets/[a-z0-9.-]+/" (toYaml .Values.config) -1 -}}
  {{- $names = append $names (base .) -}}
{{- end -}}
{{- concat $names .Values.secrets | uniq | toJson -}}
{{- end -}}

{{- define "masternode-exporter.telemetryPath" -}}
{{- dig "web" "telemetry_path" "/metrics" (.Values.config | default dict) -}}
{{- end -}}

{{- define "masternode-exporter.tls" -}}
{{- if and .Values.webConfig.existingSecret .Values.webConfig.tls }}true{{ end -}}
{{- end -}}

{{/* Whether the history lies on a volume of its own. */}}
{{- define "masternode-exporter.hasHistory" -}}
{{- if and .Values.history.enabled (not .Values.demo.enabled) }}true{{ end -}}
{{- end -}}

{{/* Ports of the nodes that the configuration names, as a list of numbers in JSON. */}}
{{- define "masternode-exporter.nodePorts" -}}
{{- $ports := list -}}
{{- range dig "networks" list (.Values.config | default dict) -}}
  {{- range .sources -}}
    {{- $url := urlParse .url -}}
    {{- $written := regexFind "[0-9]+$" (regexFind ":[0-9]+$" $url.host) -}}
    {{- $ports = append $ports (default (ternary 443 80 (eq $url.scheme "https")) $written | int) -}}
  {{- end -}}
{{- end -}}
{{- $ports | uniq | toJson -}}
{{- end -}}
