#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# image.sh - build an initramfs for a test guest.
#
# usage: image.sh --kernel DIR --out FILE [--module NAME]... [--stage NAME]...
#                 [--program PATH[=DST]]... [--file SRC=DST]... [--dpdk-driver NAME]...
#
#   --module       a kernel module loaded at boot, with what it depends on, in that order
#   --stage        the same, but loaded only when a test runs `load NAME` in the guest
#   --program      an executable and everything ldd names for it; on the guest's PATH, or at DST
#   --file         any other file, as it is
#   --dpdk-driver  a DPDK plugin (net_virtio, bus_pci, ...) in DPDK's plugin folder; for programs
#                  that link DPDK dynamically. A static one ignores the folder.
#
# The guest's init and command agent are init.sh beside this file. Libraries keep their folders and
# symlinks: were one library present as two files, the loader would load it twice, and DPDK would
# register every driver twice.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")

die() { echo "image.sh: $*" >&2; exit 1; }

kernel='' out='' modules=() staged=() programs=() files=() drivers=()
while [ $# -gt 0 ]; do
	[ $# -ge 2 ] || die "$1 needs a value"
	case $1 in
	--kernel) kernel=$2 ;;
	--out) out=$2 ;;
	--module) modules+=("$2") ;;
	--stage) staged+=("$2") ;;
	--program) programs+=("$2") ;;
	--file) files+=("$2") ;;
	--dpdk-driver) drivers+=("$2") ;;
	*) die "unknown option $1" ;;
	esac
	shift 2
done
if [ -z "$kernel" ] || [ -z "$out" ]; then die "--kernel and --out are needed"; fi
release=$(cat "$kernel/release")

root=$(mktemp -d "${TMPDIR:-/tmp}/viridian-image.XXXXXX")
trap 'rm -rf "$root"' EXIT

mkdir -p "$root"/{dev,proc,sys,run,tmp,root,etc,modules,mnt,var} \
	"$root"/usr/{bin,sbin,lib,lib64}
for d in bin sbin lib lib64; do ln -s "usr/$d" "$root/$d"; done
ln -s ../run "$root/var/run"
chmod 1777 "$root/tmp"

# Copy a path and each symlink on the way to the file, so that the guest sees the same names.
copy_chain() {
	local path dir
	dir=$(readlink -f "$(dirname "$1")")
	path=$dir/$(basename "$1")
	if [ -e "$root$path" ] || [ -L "$root$path" ]; then return 0; fi
	mkdir -p "$root$dir"
	cp -P "$path" "$root$path"
	[ -L "$path" ] || return 0
	case $(readlink "$path") in
	/*) copy_chain "$(readlink "$path")" ;;
	*) copy_chain "$dir/$(readlink "$path")" ;;
	esac
}

copy_libraries() {
	local lib listing
	# ldd fails on a static program, which then needs nothing.
	listing=$(ldd "$1" 2>/dev/null) || return 0
	! grep -q 'not found' <<< "$listing" || die "$1: $(grep 'not found' <<< "$listing")"
	while read -r lib; do
		copy_chain "$lib"
	done < <(awk '$2 == "=>" && $3 ~ /^\// { print $3 } $1 ~ /^\// { print $1 }' \
		<<< "$listing")
}

copy_program() {
	local src=${1%%=*} dst
	src=$(command -v "$src") || die "no program ${1%%=*}"
	dst=/usr/bin/$(basename "$src")
	[[ $1 != *=* ]] || dst=${1#*=}
	mkdir -p "$root$(dirname "$dst")"
	cp -L --remove-destination "$src" "$root$dst"
	chmod 755 "$root$dst"
	copy_libraries "$src"
}

# Write the insmod order of one module to /modules/NAME.order, copying the files it names.
copy_module() {
	local name=$1 line rel
	modprobe -d "$kernel" -S "$release" --show-depends --ignore-install "$name" \
		> "$root/modules/.list" 2>/dev/null || die "kernel $release has no module $name"
	while read -r line; do
		[[ $line == insmod* ]] || continue
		rel=$(awk '{ print $2 }' <<< "$line")
		if [[ $rel == *.xz ]]; then # as newer kernels have them; insmod wants them plain
			xz -dc "$rel" > "$root/modules/$(basename "$rel" .xz)"
		else
			cp -n "$rel" "$root/modules/"
		fi
		basename "$rel" .xz
	done < "$root/modules/.list" > "$root/modules/$name.order"
	rm "$root/modules/.list"
}

cp "$(command -v busybox)" "$root/usr/bin/busybox"
! ldd "$root/usr/bin/busybox" > /dev/null 2>&1 ||
	die "busybox is not static (package busybox-static)"
while read -r applet; do
	[ "$applet" = busybox ] || ln -s busybox "$root/usr/bin/$applet"
done < <(busybox --list)
cp "$here/init.sh" "$root/init"
cp "$here/load.sh" "$root/usr/bin/load"
chmod 755 "$root/init" "$root/usr/bin/load"
printf 'root:x:0:0:root:/root:/bin/sh\n' > "$root/etc/passwd"
printf 'root:x:0:\n' > "$root/etc/group"
printf '127.0.0.1 localhost\n' > "$root/etc/hosts"

for m in "${modules[@]}"; do copy_module "$m"; echo "$m"; done > "$root/modules/boot"
for m in "${staged[@]}"; do copy_module "$m"; done
for p in "${programs[@]}"; do copy_program "$p"; done
for f in "${files[@]}"; do
	mkdir -p "$root$(dirname "${f#*=}")"
	cp -L "${f%%=*}" "$root${f#*=}"
done

if [ ${#drivers[@]} -gt 0 ]; then
	plugins=$(find /usr/lib -maxdepth 4 -type d -path '*/dpdk/pmds-*' -print -quit)
	[ -n "$plugins" ] || die "no DPDK plugin folder (packages librte-*)"
	for d in "${drivers[@]}"; do
		lib=$(find "$plugins" -name "librte_$d.so.*" -type l -print -quit)
		[ -n "$lib" ] || die "no DPDK plugin $d in $plugins"
		copy_chain "$lib"
		copy_libraries "$lib"
	done
fi
# dlopen'ed by pthread_cancel and pthread_exit, so ldd never names it.
if [ -e "$root/usr/lib/x86_64-linux-gnu/libc.so.6" ]; then
	copy_chain /usr/lib/x86_64-linux-gnu/libgcc_s.so.1
fi

(cd "$root" && find . -print0 | LC_ALL=C sort -z |
	cpio --null --quiet -o -H newc -R 0:0) > "$out.tmp"
mv "$out.tmp" "$out"
