set -e
# PORTCULLIS_URL and PORTCULLIS_TOKEN come from the CI's secrets, VERSION from the job.
test "$(curl -sS -o portcullis -w '%{http_code}' "$PORTCULLIS_URL/ci/portcullis")" = 200
tail -n 1 portcullis | grep -q '^# The end of portcullis'
python3 portcullis deploy --service cart --environment production --version "$VERSION" -- ./deploy.sh
