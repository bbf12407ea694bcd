#!/usr/bin/env bash
# Asks the gate, deploys, reports. A lock stops it before the deploy, with the exit code of `portcullis check`.
#
#   SERVICE=cart ENVIRONMENT=production VERSION=1.4.2 ci/examples/deploy.sh ./really-deploy --to production
#
# PORTCULLIS_URL and PORTCULLIS_TOKEN say where and as whom; COMMIT is the checkout's unless it is set.
set -euo pipefail

: "${SERVICE:?set SERVICE}" "${ENVIRONMENT:?set ENVIRONMENT}" "${VERSION:?set VERSION}" "${1:?give the command that deploys}"
portcullis="${PORTCULLIS:-$(dirname "$0")/../portcullis}"
commit="${COMMIT:-$(git rev-parse HEAD)}"
place=(--service "$SERVICE" --environment "$ENVIRONMENT" --commit "$commit")

python3 "$portcullis" check "${place[@]}"

code=0
"$@" || code=$?
if [ "$code" = 0 ]; then status=success; else status=failure; fi

# The deploy is done, so a portal that is away must not turn a good deploy into a failed job.
python3 "$portcullis" report "${place[@]}" --version "$VERSION" --status "$status" ||
  echo "The deploy ended with $status, but it was not recorded (see above)." >&2
exit "$code"
