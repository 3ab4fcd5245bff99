#!/bin/sh
# Fuzzes a running API along its OpenAPI description: any answer of 500 and above fails, and whatever else CHECKS names (schemathesis'
# own names, separated by commas).
#
#   schemathesis.sh BASE_URL FOLDER [DOCUMENT]
#
# BASE_URL as http://127.0.0.1:4202; FOLDER keeps the virtual environment; DOCUMENT is the path of the description, by default the
# sandbox's (the host's is /openapi.json). HEADER is sent with every call, as "Cookie: …". Exit status 77: it could not run, and says why.
set -eu
base=$1
venv=$2/schemathesis
document=${3:-/_sandbox/openapi.json}
version=4.32.5

command -v python3 >/dev/null || { echo "schemathesis: there is no python3"; exit 77; }
if ! "$venv/bin/schemathesis" --version 2>/dev/null | grep -q "$version"; then
  python3 -m venv "$venv" || { echo "schemathesis: python3 makes no virtual environment here"; exit 77; }
  "$venv/bin/pip" install --quiet --disable-pip-version-check "schemathesis==$version" ||
    { echo "schemathesis: PyPI cannot be reached"; exit 77; }
fi
cd "$venv"
exec "$venv/bin/schemathesis" run "$base$document" --url "$base" --checks "${CHECKS:-not_a_server_error}" \
  ${HEADER:+--header "$HEADER"} --max-examples "${MAX_EXAMPLES:-30}" --seed 1 --workers 1 --no-color
