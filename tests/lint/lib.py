# SPDX-License-Identifier: GPL-2.0-or-later
"""What the lint tests share: the list of the repository's files, and TAP with one case a rule."""
import os
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
os.chdir(ROOT)
BUILD = os.environ.get("VIRIDIAN_BUILD", os.path.join(ROOT, "build"))
_count = 0
_failed = 0


def files(*endings):
    """Files known to git and not ignored, new ones included; all of them when no ending is given."""
    out = subprocess.run(["git", "-c", "safe.directory=*", "ls-files", "-co", "--exclude-standard", "-z"],
                         check=True, stdout=subprocess.PIPE).stdout
    names = sorted(n for n in out.decode().split("\0") if n and os.path.isfile(n))
    return [n for n in names if not endings or n.endswith(endings)]


def text(name):
    with open(name, encoding="utf-8", errors="replace") as f:
        return f.read()


def is_binary(name):
    with open(name, "rb") as f:
        return b"\0" in f.read(4096)


def rule(title, problems, later=None):
    """One case; problems is a list of lines that break the rule. later: why they may stay for now."""
    global _count, _failed
    _count += 1
    problems = list(problems)
    print("%sok %d - %s%s" % ("not " if problems else "", _count, title,
                              " # TODO %s (%d)" % (later, len(problems)) if problems and later else ""))
    for line in problems[:40]:
        print("# " + line)
    if len(problems) > 40:
        print("# ... and %d more" % (len(problems) - 40))
    if problems and not later:
        _failed += 1
    sys.stdout.flush()


def skip(title, why):
    global _count
    _count += 1
    print("ok %d - %s # SKIP %s" % (_count, title, why))


def command(argv, **kw):
    """Status and output lines of a command."""
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", **kw)
    return done.returncode, done.stdout.splitlines()


def end():
    print("1..%d" % _count)
    sys.exit(1 if _failed else 0)
