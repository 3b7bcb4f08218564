#!/usr/bin/env bash
# Takes the snapshot of action.yml: all inputs are in the environment. Ends with the exit code of lms-inventory.
set -euo pipefail
arguments=(snapshot --servers-from - --allow-files)
if [ -n "$HISTORY_FOLDER" ]; then
  arguments+=(--history "$HISTORY_FOLDER")
  [ -z "$FAIL_ON" ] || arguments+=(--fail-on "$FAIL_ON")
else
  arguments+=(--no-history)
fi
while IFS= read -r output; do
  [ -z "$output" ] || arguments+=(-o "$output")
done <<<"$OUTPUTS"
summary=$(mktemp -d)
trap 'rm -rf "$summary"' EXIT
[ -n "$LM_API_TOKEN" ] || unset LM_API_TOKEN
code=0
"$PROGRAM" "${arguments[@]}" -o "$summary/report.md" <<<"$SERVERS" || code=$?
if [ -s "$summary/report.md" ]; then
  cat "$summary/report.md" >>"${GITHUB_STEP_SUMMARY:-/dev/stdout}"
fi
exit "$code"
