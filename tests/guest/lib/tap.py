# SPDX-License-Identifier: GPL-2.0-or-later
"""TAP output: one line per check, the plan last, exit status 1 when a check failed."""

import sys
import time
import traceback

import sandbox

_start = time.monotonic()
_count = 0
_failed = 0
_on_failure = []
_on_exception = []


class Bail(Exception):
    """The rest of the test makes no sense; its reason is already on the screen or in the text."""


def on_failure(report):
    """Call report() once, when the first check fails: it returns text that helps to see why."""
    _on_failure.append(report)


def on_exception(died):
    """Call died() after an exception: unless it returns None, the test says why and begins again."""
    _on_exception.append(died)


def note(text):
    """Print a comment line, with the seconds since the test began."""
    for line in str(text).rstrip("\n").split("\n"):
        print(f"# {time.monotonic() - _start:6.1f} {line}", flush=True)


def ok(condition, text, detail=None):
    """One check. detail (a value, or a function called on failure only) tells what was seen."""
    global _count, _failed
    _count += 1
    print(f"{'ok' if condition else 'not ok'} {_count} - {text}", flush=True)
    if condition:
        return True
    _failed += 1
    if detail is not None:
        note(detail() if callable(detail) else detail)
    if _failed == 1:
        for report in _on_failure:
            try:
                note(report())
            except Exception as e:  # a report must not hide the failure it reports on
                note(f"no report: {e!r}")
    return False


def need(condition, text, detail=None):
    """A check without which the following ones cannot run."""
    if not ok(condition, text, detail):
        raise Bail(text)


def skip(text, reason):
    global _count
    _count += 1
    print(f"ok {_count} - {text} # SKIP {reason}", flush=True)


def _begin_again():
    """End with the status that makes the sandbox try again, when a machine of the test died."""
    why = [text for text in (died() for died in _on_exception) if text]
    if not why or _failed:
        return
    note(traceback.format_exc())
    note("\n".join(why))
    # tests/lib/taprun.py counts from here.
    print("# AGAIN: the emulator died", flush=True)
    sys.exit(sandbox.EMULATOR_DIED)


def run(main):
    """Run the test body and exit with its verdict; an exception is a failed check."""
    try:
        main()
    except Bail as e:
        note(f"stopped: {e}")
    except Exception:
        _begin_again()
        ok(False, "the test ran to its end", traceback.format_exc())
    print(f"1..{_count}", flush=True)
    sys.exit(1 if _failed or not _count else 0)
