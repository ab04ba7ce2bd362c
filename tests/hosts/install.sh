#!/bin/sh
# What the host tests need of the machine. As root on Debian and its kin it is installed; elsewhere this says what is missing.
set -eu

packages="podman runc debootstrap netavark aardvark-dns iptables iproute2 openssh-client gnupg gpgv"

if [ "$(id -u)" != 0 ]; then
    echo "The host tests run systemd in containers and build their image with debootstrap: both need root. Run: sudo make hosts" >&2
    exit 1
fi

missing=""
if command -v dpkg-query >/dev/null 2>&1; then
    for package in $packages; do
        dpkg-query --show --showformat '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
    done
    [ -z "$missing" ] && exit 0
    echo "Installing$missing"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    # shellcheck disable=SC2086  # a list of words
    apt-get install -qq -y --no-install-recommends $missing >/dev/null
else
    for command in podman runc debootstrap ip ssh gpg gpgv dpkg-deb; do
        command -v "$command" >/dev/null 2>&1 || missing="$missing $command"
    done
    [ -z "$missing" ] && exit 0
    echo "The host tests need these programs:$missing. Install them with this system's package manager, then run make hosts again." >&2
    exit 1
fi
