{{/* Checks beyond the schema: values that are valid separately but not together. */}}

{{- define "masternode-exporter.checks" -}}
{{- $v := .Values -}}
{{- $mistakes := list -}}
{{- $networks := dig "networks" list ($v.config | default dict) -}}
{{- if $v.existingConfig.name -}}
  {{- if $v.config -}}
    {{- $mistakes = append $mistakes "config and existingConfig.name are both set: keep one of them" -}}
  {{- end -}}
{{- else if not (or $networks $v.demo.enabled) -}}
  {{- $mistakes = append $mistakes "config.networks names no network: say which node to ask, or set demo.enabled to try simulated ones" -}}
{{- end -}}
{{- if not $v.image.registry -}}
  {{- $mistakes = append $mistakes "image.registry is empty, so the cluster would take an image of that name from a public registry: name the registry that holds your image" -}}
{{- end -}}
{{- if dig "web" "listen_address" "" ($v.config | default dict) -}}
  {{- $mistakes = append $mistakes "config.web.listen_address is set: the chart listens on containerPort, set that instead" -}}
{{- end -}}
{{- if dig "history" "path" "" ($v.config | default dict) -}}
  {{- $mistakes = append $mistakes "config.history.path is set: the chart names the file itself, set history.enabled and persistence instead" -}}
{{- end -}}
{{- if dig "web" "config_file" "" ($v.config | default dict) -}}
  {{- $mistakes = append $mistakes "config.web.config_file is set: set webConfig.existingSecret instead" -}}
{{- end -}}
{{- with $v.webConfig.probe -}}
  {{- if ne (empty .username) (empty .passwordSecret) -}}
    {{- $mistakes = append $mistakes "webConfig.probe has one of username and passwordSecret: set both or none" -}}
  {{- end -}}
  {{- $shows := or .passwordSecret .certificateSecret -}}
  {{- if and $shows (not $v.webConfig.existingSecret) -}}
    {{- $mistakes = append $mistakes "webConfig.probe is set and nothing asks for it: set webConfig.existingSecret, or leave it empty" -}}
  {{- end -}}
  {{- if and .certificateSecret (not $v.webConfig.tls) -}}
    {{- $mistakes = append $mistakes "webConfig.probe.certificateSecret is set and webConfig.tls is not: without TLS no certificate can be shown" -}}
  {{- end -}}
  {{- if and $shows $v.webConfig.anonymous -}}
    {{- $mistakes = append $mistakes "webConfig.probe is set and webConfig.anonymous says that nothing asks for it: keep one of them" -}}
  {{- end -}}
{{- end -}}
{{- if and (eq $v.kind "Deployment") $v.persistence.enabled (gt (int $v.replicaCount) 1) -}}
  {{- $mistakes = append $mistakes "replicaCount is above 1 and they would share one claim, but each process needs a history of its own: set kind to StatefulSet" -}}
{{- end -}}
{{- if and (eq $v.kind "StatefulSet") $v.persistence.existingClaim (gt (int $v.replicaCount) 1) -}}
  {{- $mistakes = append $mistakes "persistence.existingClaim is one claim for several replicas: leave it empty, and each replica gets its own" -}}
{{- end -}}
{{- if and $v.persistence.enabled (not $v.history.enabled) -}}
  {{- $mistakes = append $mistakes "persistence.enabled without history.enabled keeps nothing: set both or none" -}}
{{- end -}}
{{- if and $v.serviceMonitor.enabled $v.podMonitor.enabled -}}
  {{- $mistakes = append $mistakes "serviceMonitor and podMonitor are both enabled, so everything would be scraped twice: keep one of them" -}}
{{- end -}}
{{- range $kind := list "ingress" "httpRoute" -}}
  {{- $values := index $v $kind -}}
  {{- if and $values.enabled (not $v.service.enabled) -}}
    {{- $mistakes = append $mistakes (printf "%s.enabled needs service.enabled: set it" $kind) -}}
  {{- end -}}
  {{- $web := dig "web" dict ($v.config | default dict) -}}
  {{- $allowed := append (default list $web.allowed_hosts) (urlParse (default "" $web.external_url)).hostname -}}
  {{- range concat (default list $values.hosts) (default list $values.hostnames) -}}
    {{- if and $values.enabled $v.config (not $v.webConfig.existingSecret) (not (has . $allowed)) -}}
      {{- $mistakes = append $mistakes (printf "%s names host %s, from which the exporter refuses browsers: name it in config.web.allowed_hosts" $kind .) -}}
    {{- end -}}
  {{- end -}}
{{- end -}}
{{- if and $v.ingress.enabled (not $v.ingress.hosts) -}}
  {{- $mistakes = append $mistakes "ingress.enabled without ingress.hosts serves nothing: name a host" -}}
{{- end -}}
{{- if and $v.httpRoute.enabled (not $v.httpRoute.parentRefs) -}}
  {{- $mistakes = append $mistakes "httpRoute.enabled without httpRoute.parentRefs belongs to no Gateway: name one" -}}
{{- end -}}
{{- if and $v.serviceMonitor.enabled (not $v.service.enabled) -}}
  {{- $mistakes = append $mistakes "serviceMonitor.enabled needs service.enabled: set it, or use podMonitor" -}}
{{- end -}}
{{- if and (ne (toString $v.podDisruptionBudget.minAvailable) "") (ne (toString $v.podDisruptionBudget.maxUnavailable) "") -}}
  {{- $mistakes = append $mistakes "podDisruptionBudget has both minAvailable and maxUnavailable: keep one of them" -}}
{{- end -}}
{{- if and $v.networkPolicy.enabled $v.networkPolicy.egress (not $v.networkPolicy.extraEgress) -}}
  {{- $config := $v.config | default dict -}}
  {{- $alerting := dig "alerting" dict $config | default dict -}}
  {{- if or $alerting.alertmanagers $alerting.webhooks $alerting.emails $alerting.heartbeat -}}
    {{- $mistakes = append $mistakes "networkPolicy.egress lets nothing through to the receivers of config.alerting: name them in networkPolicy.extraEgress" -}}
  {{- end -}}
  {{- range $networks }}{{ range .sources }}{{ if and .url_file (or (not .proxy) (eq .proxy "none")) -}}
    {{- $mistakes = append $mistakes (printf "networkPolicy.egress lets nothing through to source %s, whose port is in a file: name it in networkPolicy.extraEgress" .name) -}}
  {{- end }}{{ end }}{{ end -}}
  {{- if dig "probe" "enabled" false $config -}}
    {{- $mistakes = append $mistakes "networkPolicy.egress lets no probe of a masternode through: allow it in networkPolicy.extraEgress, or unset config.probe.enabled" -}}
  {{- end -}}
{{- end -}}
{{- if $mistakes -}}
  {{- fail (printf "\n\nThese values of masternode-exporter cannot be used:\n  %s\n" (join "\n  " $mistakes)) -}}
{{- end -}}
{{- end -}}
