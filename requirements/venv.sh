#!/bin/sh
# Make or complete .venv: venv.sh demo|test|docs|bench. Makes it anew when it was made elsewhere or its Python is gone.
set -eu

say() { printf '%s\n' "$*" >&2; }

usable() {
    command -v "$1" >/dev/null 2>&1 && "$1" -c '
import sys, ensurepip, venv
sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null
}

find_python() {
    for python in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
        if usable "$python"; then
            echo "$python"
            return
        fi
    done
    say "No usable Python found (looked for: ${PYTHON:-python3 python3.13 python3.12 python3.11})."
    say "Needed is Python 3.11, 3.12 or 3.13 with the modules venv and ensurepip. On Debian and Ubuntu: apt-get install python3-venv."
    say "Name one yourself with: make PYTHON=/path/to/python3.12"
    exit 1
}

here=$(pwd -P)
stamp=.venv/$1.stamp
# A copied or moved environment calls the programs of the old place.
if ! [ "$(cat .venv/made-in 2>/dev/null)" = "$here" ] || ! .venv/bin/python -c '' 2>/dev/null; then
    python=$(find_python)
    say "Making .venv with $("$python" -c 'import sys; print(sys.executable, sys.version.split()[0])')"
    rm -rf .venv
    "$python" -m venv .venv
    echo "$here" >.venv/made-in
fi

say "Installing requirements/$1.txt into .venv (once; a minute or less with a quick network)"
# Compiling as we go would spend CPU on thousands of files that are never imported.
.venv/bin/python -m pip install --quiet --quiet --disable-pip-version-check --no-compile --requirement "requirements/$1.txt"

collections=.venv/collections/ansible_collections
if ! [ -f .venv/fetched ] || ! cmp -s requirements/collections.txt .venv/fetched; then
    say "Fetching collections"
    rm -rf "$collections/amazon" "$collections/awx"
    .venv/bin/python requirements/fetch_collections.py .venv/collections
    cp requirements/collections.txt .venv/fetched
fi
mkdir -p "$collections/hybridops"
ln -sfn ../../../.. "$collections/hybridops/aws_agents"
touch "$stamp"
