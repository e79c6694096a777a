#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# load NAME... - insert staged modules of the test image with what they depend on.
for name in "$@"; do
	[ -f "/modules/$name.order" ] || { echo "load: $name is not in this image" >&2; exit 1; }
	while read -r file; do
		module=$(echo "${file%.ko}" | tr - _)
		[ -d "/sys/module/$module" ] || insmod "/modules/$file" || exit 1
	done < "/modules/$name.order"
done
