{{- define "portcullis.name" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{- define "portcullis.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "portcullis.labels" -}}
{{ include "portcullis.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "portcullis.image" -}}
{{- with .Values.image -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ end -}}
{{- end -}}
{{- end }}

{{/* What every container may do: nothing. */}}
{{- define "portcullis.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- define "portcullis.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{/* What every command needs: the database. */}}
{{- define "portcullis.databaseEnv" -}}
- name: PORTCULLIS_BASE_URL
  value: {{ required "baseUrl is missing: the public origin, https://HOST" .Values.baseUrl | quote }}
- name: PORTCULLIS_DATABASE_URL_FILE
  value: /run/secrets/portcullis/database-url
- name: PORTCULLIS_LOG
  value: {{ .Values.log.filter | quote }}
- name: PORTCULLIS_LOG_FORMAT
  value: {{ .Values.log.format | quote }}
{{- end }}

{{- define "portcullis.databaseSecret" -}}
- secret:
    name: {{ required "database.secretName is missing: a Secret with postgres://…" .Values.database.secretName | quote }}
    items:
      - key: {{ .Values.database.secretKey | quote }}
        path: database-url
{{- end }}
