#!/usr/bin/env bash
# Runs once, when Gradescope builds the image: Python and dosegrade in an environment of their own.
set -euo pipefail
root="${AUTOGRADER_ROOT:-/autograder}"

apt-get update
apt-get install -y --no-install-recommends python3 python3-venv
python3 -m venv "$root/venv"
"$root/venv/bin/pip" install --no-cache-dir -r "$root/source/requirements.txt"
"$root/venv/bin/dosegrade" doctor || echo "dosegrade: isolation does not hold while the image is built; the first submission will tell."
