#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs the distribution's packages that preflight builds and tests with; where it may
# not install anything, it prints the exact list and goes on when all that is needed is there.
set -eu

DEBIAN="bpftool libbpf-tools libbpf-dev clang llvm gcc libc6-dev libelf-dev zlib1g-dev liblz4-1 libzstd1 xz-utils \
systemtap-sdt-dev make git python3 python3-venv python3-dev qemu-system-x86 busybox-static"
# A second, newer compiler for the tests: some relocation kinds do not exist in clang 14.
DEBIAN_OPTIONAL="clang-19 llvm-19"
# The HTML pages are tested in a browser; it is large (80 MB to fetch), so only CI installs it.
[ -z "${CI:-}" ] || DEBIAN_OPTIONAL="$DEBIAN_OPTIONAL chromium"
# What docs/routes/ hands its files to: containers, and strace for system call filters. Prometheus's tools are
# not among them: their packages start daemons. Where they are installed, tests use them, too.
[ -z "${CI:-}" ] || DEBIAN_OPTIONAL="$DEBIAN_OPTIONAL podman runc strace"
FEDORA="bpftool bcc-tools libbpf-tools libbpf-devel clang llvm gcc glibc-devel elfutils-libelf-devel zlib-devel lz4-libs libzstd \
xz systemtap-sdt-devel make git python3 python3-devel qemu-system-x86-core busybox libbpf-static glibc-static"
ALPINE="bpftool libbpf-dev clang llvm gcc musl-dev linux-headers elfutils-dev zlib-dev lz4-libs zstd-libs xz make git \
python3 python3-dev qemu-system-x86_64 busybox-static zlib-static"

missing_debian() {
    for package in $1; do
        dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q '^install ok installed' || printf '%s ' "$package"
    done
}

if command -v dpkg-query >/dev/null 2>&1 && command -v apt-get >/dev/null 2>&1; then
    need=$(missing_debian "$DEBIAN")
    wish=$(missing_debian "$DEBIAN_OPTIONAL")
    [ -z "$need$wish" ] && exit 0
    sudo=""
    if [ "$(id -u)" -ne 0 ]; then
        if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then sudo="sudo -n"; else
            echo "preflight: not root and no password-less sudo, so nothing was installed. Missing packages:" >&2
            echo "    apt-get install --no-install-recommends $need$wish" >&2
            exit 0
        fi
    fi
    export DEBIAN_FRONTEND=noninteractive
    echo "preflight: installing $need$wish"
    $sudo apt-get update -qq
    # shellcheck disable=SC2086
    [ -z "$need" ] || $sudo apt-get install -qq -y --no-install-recommends $need >/dev/null
    for package in $wish; do
        $sudo apt-get install -qq -y --no-install-recommends "$package" >/dev/null 2>&1 ||
            echo "preflight: $package is not in this release; the tests that need it are skipped" >&2
    done
    exit 0
fi

echo "preflight: no apt here, so nothing was installed. Packages by distribution:" >&2
echo "    Fedora: dnf install $FEDORA" >&2
echo "    Alpine: apk add $ALPINE" >&2
echo "    Debian: apt-get install --no-install-recommends $DEBIAN" >&2
exit 0
