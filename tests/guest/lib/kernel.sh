#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# kernel.sh - print the folder of an unpacked Debian cloud kernel, fetching it once.
#
# usage: kernel.sh [SERIES]   SERIES 6.12: that long-term kernel, not the release's own
#                             -> DIR with DIR/vmlinuz, DIR/release, DIR/lib/modules/RELEASE
#
# The package is downloaded with apt and unpacked with dpkg -x; nothing is installed. A folder
# counts as complete only after it was renamed into place, and every use checks it against the
# checksums written then, so a broken download, a full disk or a kill -9 half way can never boot a
# guest. With a complete kernel in the cache no network is needed; VIRIDIAN_KERNEL_REFRESH=1 asks
# apt again.
set -euo pipefail

meta=linux-image-${1:+$1-}cloud-amd64
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/viridian/kernel${1:+-$1}
mkdir -p "$cache"
# Two tests may start at once: the second waits for the first one's download.
exec 9>"$cache/.lock"
flock -w 600 9 || { echo "kernel.sh: another process holds $cache/.lock" >&2; exit 1; }

complete() {
	[ -s "$1/sums" ] && (cd "$1" && sha256sum --status --strict -c sums)
}

if [ -z "${VIRIDIAN_KERNEL_REFRESH:-}" ]; then
	while read -r dir; do
		complete "$cache/$dir" && { echo "$cache/$dir"; exit 0; }
		echo "kernel.sh: $cache/$dir is damaged, fetching it again" >&2
		rm -rf "${cache:?}/$dir"
	done < <(cd "$cache" && find . -mindepth 1 -maxdepth 1 -type d -name 'linux-image-*' \
		-printf '%f\n' | sort -rV)
fi

real_package() {
	apt-cache depends --important "$meta" 2>/dev/null |
		awk '$1 == "Depends:" { print $2; exit }'
}

pkg=$(real_package)
if [ -z "$pkg" ]; then
	apt-get -qq update >&2
	pkg=$(real_package)
fi
[ -n "$pkg" ] || { echo "kernel.sh: apt knows no $meta" >&2; exit 1; }
find "$cache" -mindepth 1 -maxdepth 1 -name '.tmp.*' -exec rm -rf {} +
tmp=$(mktemp -d "$cache/.tmp.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
# apt checks the archive's own SHA256 before it names the file; -o ...User=root because apt's
# sandbox user cannot write below a private cache folder.
fetch() { (cd "$tmp" && apt-get -qq -o APT::Sandbox::User=root download "$pkg" >&2); }
# The mirror may have moved on since the lists were read.
fetch || { apt-get -qq update >&2; pkg=$(real_package); fetch; }
deb=$(cd "$tmp" && ls -- *.deb)
dpkg -x "$tmp/$deb" "$tmp/x"

kernel=$tmp/kernel
mkdir -p "$kernel/lib"
release=$(ls "$tmp/x/lib/modules")
echo "$release" > "$kernel/release"
mv "$tmp/x/boot/vmlinuz-$release" "$kernel/vmlinuz"
mv "$tmp/x/boot/config-$release" "$kernel/config"
mv "$tmp/x/lib/modules" "$kernel/lib/modules"
depmod -b "$kernel" "$release"
(cd "$kernel" && find . -type f ! -name sums -print0 | sort -z | xargs -0 sha256sum) > "$tmp/sums"
mv "$tmp/sums" "$kernel/sums"
sync -f "$kernel/sums"
dir=$cache/${deb%_amd64.deb}
rm -rf "$dir"
mv "$kernel" "$dir"
echo "$dir"
