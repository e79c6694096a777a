# SPDX-License-Identifier: GPL-2.0-or-later
"""The quarantine's state file, changed by somebody who knows its checksums: what is tested is the rest."""

import hashlib
import json
import os


def ports(d):
    with open(os.path.join(d.state, "quarantine.json")) as f:
        return json.load(f)["ports"]


def change(d, edit, seal=True):
    """edit(port) changes the entries of quarantine.json; without a seal as bad storage would."""
    path = os.path.join(d.state, "quarantine.json")
    with open(path) as f:
        saved = json.load(f)
    for p in saved["ports"]:
        before = json.dumps(p)
        edit(p)
        if seal and json.dumps(p) != before:
            del p["sha256"]
            text = json.dumps(p, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            p["sha256"] = hashlib.sha256(text.encode()).hexdigest()
    with open(path, "w") as f:
        json.dump(saved, f)
