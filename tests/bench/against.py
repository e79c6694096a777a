# SPDX-License-Identifier: GPL-2.0-or-later
"""More builds of the daemon as devices of the same run: --against COMMIT in a worktree of its own, and, for the rows
of `vectors`, this tree for other sizes of a vector of packets."""
import os

from devices import Viridian
from machine import run, say

TARGETS = ("vswitch/viridiand", "ctl/viridian")
VECTORS = (32, 128, 256)  # beside what base/burst.h says


def build(bench, tree, commit):
    """The device "viridian@COMMIT". The worktree and its build go away with the run."""
    short = run("git", "-C", tree, "rev-parse", "--short", "--verify", commit + "^{commit}").strip()
    worktree = os.path.join(bench.dir, "against-" + short)
    say("bench: building %s" % short)
    # git forgets the worktree after the folder is gone: prune, told first, runs last.
    bench.at_exit("run", "git", "-C", tree, "worktree", "prune")
    bench.at_exit("tree", worktree)
    run("git", "-C", tree, "worktree", "add", "--detach", worktree, short)
    return compiled(bench, worktree, os.path.join(worktree, "build"), "viridian@" + short)


def vectors(bench, tree, build_dir):
    """Devices "viridian/32" and so on. Their build folders stay beside the ordinary one."""
    return [compiled(bench, tree, "%s-vectors-%d" % (build_dir, n), "viridian/%d" % n, "-Dc_args=-DVD_BURST=%d" % n)
            for n in VECTORS]


def compiled(bench, tree, build_dir, name, *options):
    if not os.path.exists(os.path.join(build_dir, "build.ninja")):
        say("bench: configuring %s" % name)
        run("meson", "setup", build_dir, "-Dtests=false", *options, cwd=tree, timeout=120)
    run("ninja", "-C", build_dir, *TARGETS, cwd=tree, timeout=900)
    return Viridian(bench, build_dir, name)
