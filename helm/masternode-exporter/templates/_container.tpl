{{/* The exporter's container and its volumes: in a pod of this chart, or next to a node in a pod of another chart. */}}

{{- define "masternode-exporter.arguments" -}}
{{- if .Values.demo.enabled }}
- demo
- --chain={{ join "," .Values.demo.chains }}
{{- end }}
{{- if include "masternode-exporter.hasConfig" . }}
- --config.file=/etc/masternode-exporter/config/config.yaml
{{- end }}
- --web.listen-address=:{{ .Values.containerPort }}
{{- if .Values.webConfig.existingSecret }}
- --web.config.file=/etc/masternode-exporter/web/{{ .Values.webConfig.key }}
{{- end }}
{{- if include "masternode-exporter.hasHistory" . }}
- --history.path=/var/lib/masternode-exporter/history.db
{{- end }}
- --log.level={{ .Values.logLevel }}
- --log.format={{ .Values.logFormat }}
{{- with .Values.extraArgs }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* A probe. Takes the context, the values of the probe, and whether it checks readiness. */}}
{{- define "masternode-exporter.probe" -}}
{{- $context := index . 0 -}}
{{- $probe := index . 1 -}}
{{- $ready := index . 2 -}}
{{- if not (or $probe.httpGet $probe.exec $probe.tcpSocket $probe.grpc) -}}
{{- if $context.Values.webConfig.existingSecret -}}
{{/* The kubelet has neither a password nor a client certificate. The exporter's own client knows that whoever asks for one is
alive, and shows them where readiness is asked for. */ -}}
exec:
  command:
    - /usr/bin/masternode-exporter
    - healthcheck
    {{- if $ready }}
    {{- with $context.Values.webConfig }}
    {{- if or .anonymous .probe.passwordSecret .probe.certificateSecret }}
    - --ready
    {{- end }}
    {{- if .probe.passwordSecret }}
    - --username={{ .probe.username }}
    - --password-file=/etc/masternode-exporter/probe/password/{{ .probe.passwordKey }}
    {{- end }}
    {{- if .probe.certificateSecret }}
    - --cert-file=/etc/masternode-exporter/probe/certificate/{{ .probe.certificateKey }}
    - --key-file=/etc/masternode-exporter/probe/certificate/{{ .probe.privateKeyKey }}
    {{- end }}
    {{- end }}
    {{- end }}
    - --web.listen-address=:{{ $context.Values.containerPort }}
    - --web.config.file=/etc/masternode-exporter/web/{{ $context.Values.webConfig.key }}
{{ else -}}
httpGet:
  path: {{ ternary "/-/ready" "/-/healthy" $ready }}
  port: metrics
{{ end -}}
{{- end -}}
{{- omit $probe "enabled" | toYaml -}}
{{- end -}}

{{- define "masternode-exporter.container" -}}
name: masternode-exporter
image: {{ include "masternode-exporter.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
args:
  {{- include "masternode-exporter.arguments" . | trim | nindent 2 }}
{{- with .Values.extraEnv }}
env:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.extraEnvFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
ports:
  - name: metrics
    containerPort: {{ .Values.containerPort }}
    protocol: TCP
{{- if .Values.startupProbe.enabled }}
startupProbe:
  {{- include "masternode-exporter.probe" (list . .Values.startupProbe false) | nindent 2 }}
{{- end }}
{{- if .Values.livenessProbe.enabled }}
livenessProbe:
  {{- include "masternode-exporter.probe" (list . .Values.livenessProbe false) | nindent 2 }}
{{- end }}
{{- if .Values.readinessProbe.enabled }}
readinessProbe:
  {{- include "masternode-exporter.probe" (list . .Values.readinessProbe (ne .Values.kind "None")) | nindent 2 }}
{{- end }}
{{- with .Values.resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- toYaml .Values.securityContext | nindent 2 }}
{{- $mounts := include "masternode-exporter.mounts" . }}
{{- if $mounts }}
volumeMounts:
  {{- $mounts | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "masternode-exporter.mounts" -}}
{{- $mounts := list -}}
{{- if include "masternode-exporter.hasConfig" . -}}
  {{- $mounts = append $mounts (dict "name" "exporter-config" "mountPath" "/etc/masternode-exporter/config" "readOnly" true) -}}
{{- end -}}
{{- range include "masternode-exporter.secretNames" . | fromJsonArray -}}
  {{- $path := printf "/etc/masternode-exporter/secrets/%s" . -}}
  {{- $mounts = append $mounts (dict "name" (include "masternode-exporter.secretVolume" .) "mountPath" $path "readOnly" true) -}}
{{- end -}}
{{- range .Values.watchFiles -}}
  {{- $name := include "masternode-exporter.watchVolume" . | trim -}}
  {{- $path := printf "/etc/masternode-exporter/watch/%s" $name -}}
  {{- $mounts = append $mounts (dict "name" (printf "watch-%s" $name) "mountPath" $path "readOnly" true) -}}
{{- end -}}
{{- if .Values.webConfig.existingSecret -}}
  {{- $mounts = append $mounts (dict "name" "exporter-web" "mountPath" "/etc/masternode-exporter/web" "readOnly" true) -}}
{{- end -}}
{{- range $what, $secret := include "masternode-exporter.probeSecrets" . | fromJson -}}
  {{- $path := printf "/etc/masternode-exporter/probe/%s" $what -}}
  {{- $mounts = append $mounts (dict "name" (printf "exporter-probe-%s" $what) "mountPath" $path "readOnly" true) -}}
{{- end -}}
{{- if include "masternode-exporter.hasHistory" . -}}
  {{- $volume := default "exporter-history" .Values.history.volumeName -}}
  {{- $mounts = append $mounts (dict "name" $volume "mountPath" "/var/lib/masternode-exporter") -}}
{{- end -}}
{{- $mounts = concat $mounts .Values.extraVolumeMounts -}}
{{- if $mounts }}{{ toYaml $mounts }}{{ end -}}
{{- end -}}

{{/* Takes the name of a Secret. The name of a volume must be shorter than that of a Secret, and has no dots. */}}
{{- define "masternode-exporter.secretVolume" -}}
secret-{{ . | replace "." "-" | trunc 40 | trimSuffix "-" }}-{{ . | sha256sum | trunc 8 }}
{{- end -}}

{{/* Credentials of the readiness probe, each with its Secret. A sidecar has a liveness check only. */}}
{{- define "masternode-exporter.probeSecrets" -}}
{{- $secrets := dict -}}
{{- with ternary dict .Values.webConfig.probe (eq .Values.kind "None") -}}
  {{- if .passwordSecret }}{{ $_ := set $secrets "password" .passwordSecret }}{{ end -}}
  {{- if .certificateSecret }}{{ $_ := set $secrets "certificate" .certificateSecret }}{{ end -}}
{{- end -}}
{{- toJson $secrets -}}
{{- end -}}

{{/* Volumes of the container; another chart's pod adds its own volumes. */}}
{{- define "masternode-exporter.volumes" -}}
{{- $volumes := list -}}
{{- if include "masternode-exporter.hasConfig" . -}}
  {{- $existing := .Values.existingConfig -}}
  {{- $name := default (include "masternode-exporter.fullname" .) $existing.name -}}
  {{- $items := list (dict "key" (ternary $existing.key "config.yaml" (ne $existing.name "")) "path" "config.yaml") -}}
  {{- if and $existing.name (eq $existing.kind "Secret") -}}
    {{- $volumes = append $volumes (dict "name" "exporter-config" "secret" (dict "secretName" $name "items" $items "defaultMode" 0440)) -}}
  {{- else -}}
    {{- $volumes = append $volumes (dict "name" "exporter-config" "configMap" (dict "name" $name "items" $items)) -}}
  {{- end -}}
{{- end -}}
{{- range include "masternode-exporter.secretNames" . | fromJsonArray -}}
  {{- $volumes = append $volumes (dict "name" (include "masternode-exporter.secretVolume" .) "secret" (dict "secretName" . "defaultMode" 0440)) -}}
{{- end -}}
{{- range .Values.watchFiles -}}
  {{- $name := printf "watch-%s" (include "masternode-exporter.watchVolume" . | trim) -}}
  {{- if .configMap -}}
    {{- $volumes = append $volumes (dict "name" $name "configMap" (dict "name" .configMap)) -}}
  {{- else -}}
    {{- $volumes = append $volumes (dict "name" $name "secret" (dict "secretName" .secret "defaultMode" 0440)) -}}
  {{- end -}}
{{- end -}}
{{- with .Values.webConfig.existingSecret -}}
  {{- $volumes = append $volumes (dict "name" "exporter-web" "secret" (dict "secretName" . "defaultMode" 0440)) -}}
{{- end -}}
{{- range $what, $secret := include "masternode-exporter.probeSecrets" . | fromJson -}}
  {{- $volumes = append $volumes (dict "name" (printf "exporter-probe-%s" $what) "secret" (dict "secretName" $secret "defaultMode" 0440)) -}}
{{- end -}}
{{- $claimed := and (eq .Values.kind "StatefulSet") .Values.persistence.enabled (not .Values.persistence.existingClaim) -}}
{{- if and (include "masternode-exporter.hasHistory" .) (not .Values.history.volumeName) (not $claimed) -}}
  {{- if .Values.persistence.enabled -}}
    {{- $volumes = append $volumes (dict "name" "exporter-history" "persistentVolumeClaim" (dict "claimName" (include "masternode-exporter.claimName" .))) -}}
  {{- else -}}
    {{- $volumes = append $volumes (dict "name" "exporter-history" "emptyDir" dict) -}}
  {{- end -}}
{{- end -}}
{{- $volumes = concat $volumes .Values.extraVolumes -}}
{{- if $volumes }}{{ toYaml $volumes }}{{ end -}}
{{- end -}}
