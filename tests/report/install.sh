#!/bin/sh
# What the tests of the report need of the machine: a browser and its driver. As root on Debian and its kin they are installed; elsewhere
# this says what is missing.
set -eu

if command -v chromium >/dev/null 2>&1 && command -v chromedriver >/dev/null 2>&1; then
    exit 0
fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing chromium chromium-driver"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -qq -y --no-install-recommends chromium chromium-driver fonts-dejavu-core >/dev/null
    exit 0
fi
echo "The tests of the report need chromium and chromedriver. Install them with this system's package manager (Debian: chromium" \
    "chromium-driver), then run make report again." >&2
exit 1
