{{/*
For charts that run a node, with this one as a dependency and `kind: None`. Each takes this chart's context:

    {{- $exporter := index .Subcharts "masternode-exporter" }}
    annotations:    {{- include "masternode-exporter.sidecar.annotations" $exporter | nindent 8 }}
    initContainers: {{- include "masternode-exporter.sidecar.initContainers" $exporter | nindent 8 }}
    containers:     {{- include "masternode-exporter.sidecar.containers" $exporter | nindent 8 }}
    volumes:        {{- include "masternode-exporter.sidecar.volumes" $exporter | nindent 8 }}

A native sidecar (Kubernetes 1.29 or later) starts before the node and stops after it, so the end of the node is seen.
Before, it is a container like the node's.
*/}}

{{- define "masternode-exporter.sidecar.native" -}}
{{- if semverCompare ">=1.29.0-0" .Capabilities.KubeVersion.Version }}true{{ end -}}
{{- end -}}

{{- define "masternode-exporter.sidecar.initContainers" -}}
{{- if include "masternode-exporter.sidecar.native" . -}}
- restartPolicy: Always
  {{- include "masternode-exporter.container" . | nindent 2 }}
{{- end -}}
{{- end -}}

{{- define "masternode-exporter.sidecar.containers" -}}
{{- if not (include "masternode-exporter.sidecar.native" .) -}}
- {{ include "masternode-exporter.container" . | nindent 2 | trim }}
{{- end -}}
{{- end -}}

{{- define "masternode-exporter.sidecar.volumes" -}}
{{ include "masternode-exporter.volumes" . }}
{{- end -}}

{{- define "masternode-exporter.sidecar.annotations" -}}
checksum/exporter-config: {{ include "masternode-exporter.checksum" . }}
{{- end -}}
