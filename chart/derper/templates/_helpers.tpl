{{- define "derper.name" -}}
{{- if contains "derper" .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-derper{{ end -}}
{{- end }}

{{- define "derper.selector" -}}
app.kubernetes.io/name: derper
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "derper.labels" -}}
{{ include "derper.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{/* Names of all relays, with spaces between them. */}}
{{- define "derper.relays" -}}
{{- $names := list }}
{{- if eq .Values.kind "DaemonSet" }}
{{- range .Values.nodes }}{{ $names = append $names (printf "%s.%s" . $.Values.domain) }}{{ end }}
{{- else }}
{{- range until (int .Values.replicas) }}{{ $names = append $names (printf "%s-%d.%s" (include "derper.name" $) . $.Values.domain) }}{{ end }}
{{- end }}
{{- join " " $names }}
{{- end }}

{{/* Whether there is a mesh: of one relay there is none. */}}
{{- define "derper.isMesh" -}}
{{- if and .Values.mesh.enabled (gt (len (splitList " " (include "derper.relays" .))) 1) }}yes{{ end -}}
{{- end }}

{{- define "derper.meshSecret" -}}
{{- default (printf "%s-mesh" (include "derper.name" .)) .Values.mesh.existingSecret -}}
{{- end }}

{{/* What --mesh-with takes: the relays, with the port where it is another. */}}
{{- define "derper.meshWith" -}}
{{- $port := int .Values.ports.tls }}
{{- $targets := list }}
{{- range splitList " " (include "derper.relays" .) }}
{{- $targets = append $targets (ternary . (printf "%s:%d" . $port) (eq $port 443)) }}
{{- end }}
{{- join "," $targets }}
{{- end }}

{{/* Whether a port needs the capability for those below 1024. */}}
{{- define "derper.lowPort" -}}
{{- range list .Values.ports.tls .Values.ports.http .Values.ports.stun }}
{{- if and (gt (int .) 0) (lt (int .) 1024) }}yes{{ end }}
{{- end }}
{{- end }}

{{/* What the values cannot say one by one. */}}
{{- define "derper.check" -}}
{{- with .Values }}
{{- if and (eq .kind "DaemonSet") (not .nodes) }}
{{- fail "kind DaemonSet: nodes: name the nodes that have a relay" }}
{{- end }}
{{- range splitList " " (include "derper.relays" $) }}
{{- if gt (len .) 253 }}
{{- fail (printf "domain: %s is longer than the 253 characters of a host name" .) }}
{{- end }}
{{- end }}
{{- if and (include "derper.isMesh" $) (not .mesh.key) (not .mesh.existingSecret) }}
{{- fail "mesh: several relays of one region need mesh.key (openssl rand -hex 32) or mesh.existingSecret" }}
{{- end }}
{{- if and (eq .certificate.mode "secret") (not .certificate.secretName) }}
{{- fail "certificate.secretName: name the Secret, or set certificate.mode to acme" }}
{{- end }}
{{- if and (eq .certificate.mode "acme") (not .state.hostPath) (not .state.claim.enabled) }}
{{- fail "certificate.mode acme: state: keep what is ordered (state.hostPath or state.claim), or the authority soon refuses to give more" }}
{{- end }}
{{- if and (eq .kind "DaemonSet") .state.claim.enabled }}
{{- fail "state.claim: is for a StatefulSet; with a DaemonSet use state.hostPath" }}
{{- end }}
{{- if and (eq .kind "StatefulSet") .state.hostPath }}
{{- fail "state.hostPath: is for a DaemonSet; with a StatefulSet use state.claim" }}
{{- end }}
{{- if and .admission.headscale.url (not .admission.headscale.existingSecret) }}
{{- fail "admission.headscale.existingSecret: name the Secret with the API key" }}
{{- end }}
{{- $source := or .admission.nodes.existingSecret .admission.url .admission.headscale.url .admission.tailscaledSocket }}
{{- if and .admission.open $source }}
{{- fail "admission: open is for everybody, and a source is named as well" }}
{{- end }}
{{- if not (or .admission.open $source) }}
{{- fail "admission: say who may use the relays (nodes, url, headscale, tailscaledSocket), or open: true" }}
{{- end }}
{{- if and .metrics.podMonitor.enabled (lt (int .ports.http) 0) }}
{{- fail "metrics.podMonitor: asks on ports.http, which is off" }}
{{- end }}
{{- end }}
{{- end }}
