# SPDX-License-Identifier: GPL-2.0-or-later
"""--against COMMIT: build another commit in a worktree of its own, as one more device of the same run."""
import os

from devices import Viridian
from machine import run, say

TARGETS = ("vswitch/viridiand", "ctl/viridian")


def build(bench, tree, commit):
    """The device "viridian@COMMIT". The worktree and its build go away with the run."""
    short = run("git", "-C", tree, "rev-parse", "--short", "--verify", commit + "^{commit}").strip()
    worktree = os.path.join(bench.dir, "against")
    say("bench: building %s" % short)
    # git forgets the worktree after the folder is gone: prune, told first, runs last.
    bench.at_exit("run", "git", "-C", tree, "worktree", "prune")
    bench.at_exit("tree", worktree)
    run("git", "-C", tree, "worktree", "add", "--detach", worktree, short)
    run("meson", "setup", "build", "-Dtests=false", cwd=worktree, timeout=120)
    run("ninja", "-C", "build", *TARGETS, cwd=worktree, timeout=900)
    device = Viridian(bench, os.path.join(worktree, "build"), "viridian@" + short)
    return device
