{{/* The rules of alerts/masternode.rules.yml with the changes of the values. They are read as data and not rendered. */}}

{{- define "masternode-exporter.ruleGroups" -}}
{{- $groups := list -}}
{{- range (.Files.Get "files/alerts/masternode.rules.yml" | fromYaml).groups -}}
  {{- $rules := list -}}
  {{- range .rules -}}
    {{- if not .alert -}}
      {{- $rules = append $rules . -}}
    {{- else if dig .alert "enabled" true $.Values.prometheusRule.rules -}}
      {{- $rules = append $rules (include "masternode-exporter.alert" (list $ .) | fromYaml) -}}
    {{- end -}}
  {{- end -}}
  {{- $groups = append $groups (merge (dict "rules" $rules) (omit . "rules")) -}}
{{- end -}}
{{- dict "groups" (concat $groups .Values.prometheusRule.additionalGroups) | toYaml -}}
{{- end -}}

{{/* Takes the context and an alert. */}}
{{- define "masternode-exporter.alert" -}}
{{- $context := index . 0 -}}
{{- $values := $context.Values.prometheusRule -}}
{{- $alert := deepCopy (index . 1) -}}
{{- $own := dig $alert.alert dict $values.rules -}}
{{- $labels := mergeOverwrite $alert.labels $values.alertLabels -}}
{{- if $context.Values.alertmanagerConfig.enabled -}}
  {{- $namespace := default (include "masternode-exporter.namespace" $context) $context.Values.alertmanagerConfig.namespace -}}
  {{- $_ := set $labels "namespace" $namespace -}}
{{- end -}}
{{- $labels = mergeOverwrite $labels (default dict $own.labels) (ternary (dict "severity" $own.severity) dict (hasKey $own "severity")) -}}
{{- $annotations := $alert.annotations -}}
{{- $external := dig "web" "external_url" "" $context.Values.config | trimSuffix "/" -}}
{{- if and (not $values.runbookBaseUrl) $external -}}
  {{- $_ := set $annotations "runbook_url" (printf "%s/runbooks/%s" $external $alert.alert) -}}
{{- else if hasPrefix "docs/" $annotations.runbook_url -}}
  {{- $_ := set $annotations "runbook_url" (print $values.runbookBaseUrl $annotations.runbook_url) -}}
{{- end -}}
{{- $annotations = mergeOverwrite $annotations (default dict $own.annotations) -}}
{{- $alert = mergeOverwrite $alert (dict "labels" $labels "annotations" $annotations) -}}
{{- with $values.job -}}
  {{- $never := "absent(masternode_exporter_build_info) unless on () job:masternode_exporter:seen" -}}
  {{- $_ := set $alert "expr" ($alert.expr | replace $never (printf "absent(masternode_exporter_build_info{job=%q})" .)) -}}
{{- end -}}
{{- if hasKey $own "for" -}}
  {{- $_ := set $alert "for" $own.for -}}
{{- end -}}
{{- toYaml $alert -}}
{{- end -}}

{{/* `alertname =~ "a|b"`, a matcher of Alertmanager, as the operator writes it. Takes the text. */}}
{{- define "masternode-exporter.matcher" -}}
{{- $form := `^\s*(\w+)\s*(=~|!~|!=|=)\s*"(.*)"\s*$` -}}
{{- if not (regexMatch $form .) }}{{ fail (printf "alerts/inhibition.yml: %q is not a matcher that the chart can read" .) }}{{ end -}}
{{- dict "name" (regexReplaceAll $form . "${1}") "matchType" (regexReplaceAll $form . "${2}") "value" (regexReplaceAll $form . "${3}") | toYaml -}}
{{- end -}}
