#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The program `viridian` itself, against a daemon played by a thread: requests sent, screens, exit statuses,
completion, captures. usage: test_cli.py VIRIDIAN. Prints TAP."""
import array
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading

VIRIDIAN = os.path.abspath(sys.argv[1])
DIR = tempfile.mkdtemp(prefix="vdcli")
SOCKET = DIR + "/s"
ENV = dict(os.environ, VIRIDIAN_SOCKET=SOCKET, LC_ALL="C.UTF-8", NO_COLOR="1", TZ="UTC",
           PATH=os.path.dirname(VIRIDIAN) + ":" + os.environ["PATH"])

SWITCH = {"name": "lan", "type": "internal", "mtu": 1500, "notes": "on", "uplink": None, "host_vnic": "lan0",
          "n_ports": 2, "n_learned": 1}
PORTS = [{"name": n, "switch": "lan", "device": "tap:" + n, "role": "vm", "mac": "52:54:00:00:00:0" + n[-1],
          "vlan": "access:10", "link": link, "connected": up, "degraded": None}
         for n, link, up in (("web1", "up", True), ("web2", "up", False), ("web3", "down", True))]
CHANGES = [{"op": "add", "object": "port/x", "to": {"name": "x", "mtu": 1500, "notes": ""}},
           {"op": "change", "object": "switch/lan", "from": {"mtu": 1500}, "to": {"mtu": 9000}},
           {"op": "remove", "object": "port/y", "from": {"name": "y"}}]
ARP = bytes.fromhex("ffffffffffff5254000000018100000a08060001080006040001525400000001"
                    "0a0000010000000000000a000002")


def block(kind, body):
    size = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + size + body + size


def option(code, value):
    return struct.pack("<HH", code, len(value)) + value + b"\0" * (-len(value) % 4)


def frame(k):
    body = struct.pack("<IIIII", 0, 0, 1000 * k, len(ARP), len(ARP)) + ARP + b"\0" * (-len(ARP) % 4)
    return block(6, body + option(2, struct.pack("<I", 1)) + option(1, b"drop: mac-spoofing"))


class Daemon(threading.Thread):
    """Takes connections until the process ends; remembers every request."""

    def __init__(self):
        super().__init__(daemon=True)
        self.requests = []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(SOCKET)
        self.listener.listen(8)
        self.start()

    def run(self):
        while True:
            conn, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(conn,), daemon=True).start()

    def serve(self, conn):
        data = b""
        fds = array.array("i")
        while True:
            try:
                more, control, _, _ = conn.recvmsg(65536, socket.CMSG_SPACE(4))
            except OSError:
                return
            for _, _, content in control:
                fds.frombytes(content)
            data += more
            while b"\n" in data:
                line, data = data.split(b"\n", 1)
                request = json.loads(line)
                self.requests.append((request["method"], request.get("params")))
                self.answer(conn, request, fds)
            if not more:
                conn.close()
                return

    def answer(self, conn, request, fds):
        method, params = request["method"], request.get("params") or {}
        reply = {"jsonrpc": "2.0", "id": request["id"]}
        if method == "switch.show" and params["name"] != "lan":
            codes = {"old": "object.exists", "root": "permission.denied", "odd": "name.invalid"}
            code = codes.get(params["name"], "switch.not_found")
            data = {"code": code, "kind": "x", "path": "switch/" + params["name"], "message": "no such switch",
                    "hint": "did you mean lan?", "file": "net.yaml", "line": 3, "column": 5}
            reply["error"] = {"code": -32000, "message": "no such switch", "data": data}
        elif method == "switch.remove":
            return  # never answers
        elif method == "runtime":
            conn.close()
            return
        elif method == "capture":
            with os.fdopen(fds[0], "wb") as f:
                f.write(block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)))
                f.write(block(1, struct.pack("<HHI", 1, 0, 65535) + option(2, b"web1")))
                for k in range(params.get("count", 2)):
                    f.write(frame(k))
                f.flush()
                if "count" not in params:  # until the client has enough
                    while conn.recv(100):
                        pass
            reply["result"] = {"frames": params.get("count", 2), "lost": 1}
        else:
            reply["result"] = {
                "switch.list": [SWITCH], "switch.show": SWITCH, "port.list": PORTS, "fdb.list": [],
                "stats": [{"port": "web1", "switch": "lan", "rx_packets": 5, "rx_bytes": 2048, "tx_packets": 0,
                           "tx_bytes": 0, "drops": 7}],
                "drops": [{"port": "web1", "reason": "runt", "count": 7, "text": "too short", "hint": "fix it"}],
                "config.export": {"viridian": 1, "switches": [{"name": "lan", "notes": "on"}], "ports": []},
                "config.diff": {"changes": CHANGES},
            }.get(method, {"changes": CHANGES, "applied": not params.get("dry_run", False)})
        conn.sendall(json.dumps(reply).encode() + b"\n")


daemon = Daemon()
count = failed = 0


def check(name, good, *details):
    global count, failed
    count += 1
    print("%sok %d - %s" % ("" if good else "not ", count, name))
    if not good:
        failed += 1
        for detail in details:
            print("# " + str(detail).replace("\n", "\n# "))


def run(*words, stdin="", env=None):
    del daemon.requests[:]
    done = subprocess.run([VIRIDIAN, *words], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          errors="replace", env=dict(ENV, **(env or {})), timeout=30)
    return done.returncode, done.stdout, done.stderr


def screen(name, words, stdout, status=0, stderr=None):
    got = run(*words)
    good = got[0] == status and got[1] == stdout and (stderr is None or got[2] == stderr)
    check(name, good, *got)


def requests():
    run("port", "add", "w", "--switch", "lan", "--device", "tap:w", "--dry-run")
    check("a request carries what was said", daemon.requests == [
        ("port.add", {"name": "w", "switch": "lan", "device": "tap:w", "dry_run": True})], daemon.requests)
    with open(DIR + "/net.yaml", "w", encoding="utf-8") as f:
        f.write("viridian: 1\n")
    run("apply", DIR + "/net.yaml")
    check("apply sends text and name", daemon.requests == [
        ("config.apply", {"document": "viridian: 1\n", "file": DIR + "/net.yaml"})], daemon.requests)
    run("diff", "-", stdin="{}")
    check("- is standard input", daemon.requests == [("config.diff", {"document": "{}", "file": "-"})],
          daemon.requests)
    with open(DIR + "/bad.yaml", "wb") as f:
        f.write(b"\xff\xfe")
    status, _, err = run("apply", DIR + "/bad.yaml")
    check("a file that is not text is not sent", status == 1 and "doc.syntax" in err and not daemon.requests, err)
    status, _, err = run("apply", DIR + "/none.yaml")
    check("a missing file is told by name", status == 2 and "none.yaml" in err and not daemon.requests, err)


def screens():
    screen("switch list", ["switch"], "NAME TYPE     UPLINK HOST-VNIC  MTU PORTS LEARNED\n"
                                      "lan  internal -      lan0      1500     2       1\n")
    screen("port list", ["port", "list"], "NAME SWITCH ROLE DEVICE   MAC               VLAN      STATE\n"
                                          "web1 lan    vm   tap:web1 52:54:00:00:00:01 access:10 up\n"
                                          "web2 lan    vm   tap:web2 52:54:00:00:00:02 access:10 no-peer\n"
                                          "web3 lan    vm   tap:web3 52:54:00:00:00:03 access:10 down\n")
    screen("an empty list says so on stderr", ["fdb"], "", 0, "no addresses known\n")
    screen("an empty list is [] in JSON", ["--json", "fdb"], "[]\n", 0, "")
    screen("drops of one port with advice", ["drops", "web1"],
           "PORT REASON COUNT WHAT HAPPENED WHAT TO DO\nweb1 runt       7 too short     fix it\n")
    screen("stats", ["stats"], "PORT SWITCH RX-PACKETS RX-BYTES TX-PACKETS TX-BYTES DROPS\n"
                               "web1 lan             5 2.00 KiB          0      0 B     7\n")
    screen("export quotes what YAML would retype", ["export"],
           "viridian: 1\nswitches:\n- name: lan\n  notes: \"on\"\nports: []\n")
    screen("diff", ["diff", "/dev/null"], "+ port/x\n+     name: x\n+     mtu: 1500\n~ switch/lan\n"
                                          "~     mtu: 1500 -> 9000\n- port/y\n")
    status, out, _ = run("--json", "switch")
    check("JSON is what the daemon said", status == 0 and json.loads(out) == [SWITCH], out)


def statuses():
    screen("an error teaches", ["switch", "show", "x"], "", 3,
           "error: no such switch\n  where: net.yaml:3:5  switch/x\n  hint:  did you mean lan?\n"
           "  code:  switch.not_found\n")
    status, out, err = run("switch", "show", "x", "--json")
    check("an error in JSON", status == 3 and err == "" and json.loads(out)["error"]["code"] == "switch.not_found",
          out, err)
    for name, want in (("old", 4), ("root", 5), ("odd", 1)):
        check("exit status %d" % want, run("switch", "show", name)[0] == want)
    check("exit status 2, nothing sent", run("switch", "fly")[0] == 2 and not daemon.requests)
    check("exit status 2 for a value out of range", run("switch", "set", "lan", "--mtu", "1")[0] == 2 and
          not daemon.requests)
    status, _, err = run("switch", "--socket", DIR + "/nobody")
    check("exit status 6 with the way out", status == 6 and "start it" in err, err)
    check("exit status 6 when the daemon hangs up", run("runtime")[0] == 6)
    check("exit status 7", run("switch", "remove", "lan", "--timeout", "0.2")[0] == 7)
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run([VIRIDIAN, "switch"], stdout=full, stderr=subprocess.PIPE, env=ENV, check=False)
    check("a full disk is not success", done.returncode == 1, done)


def captures():
    line = "00:00:00.00%d000 web1 from-vm 52:54:00:00:00:01 > ff:ff:ff:ff:ff:ff, vlan 10, ARP who-has 10.0.0.2 " \
           "tell 10.0.0.1, length 46, drop: mac-spoofing\n"
    screen("capture prints lines", ["capture", "web1", "-c", "2", "arp"], line % 0 + line % 1, 0,
           "2 frames captured, 1 lost\n")
    check("capture sends the filter", daemon.requests == [("capture", {"port": "web1", "count": 2, "filter": "arp"})],
          daemon.requests)
    status, out, err = run("capture", "web1", "-w", DIR + "/c.pcapng", "-c", "3")
    check("capture -w leaves a file", status == 0 and out == "" and "3 frames" in err and
          os.path.getsize(DIR + "/c.pcapng") > 200, err)
    done = subprocess.run([VIRIDIAN, "capture", "web1", "-w", "-", "-c", "1"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=ENV, check=False)
    check("capture -w - writes to standard output", done.stdout[:4] == b"\x0a\x0d\x0d\x0a", done)
    p = subprocess.Popen([VIRIDIAN, "capture", "web1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                         env=ENV)
    first = p.stdout.readline()
    p.send_signal(signal.SIGINT)
    out, err = p.stdout.read(), p.stderr.read()
    p.wait(timeout=20)
    check("SIGINT ends a capture with its totals", p.returncode == 0 and first == line % 0 and out == line % 1 and
          err == "2 frames captured, 1 lost\n", p.returncode, first, out, err)


def complete(line):
    """What bash would offer for @line."""
    script = "source <(viridian completion bash); COMP_LINE=$1 COMP_POINT=${#1}; compopt() { :; }; _viridian; " \
             "printf '%s\\n' \"${COMPREPLY[@]}\""
    return subprocess.run(["bash", "-c", script, "-", line], stdout=subprocess.PIPE, text=True, env=ENV,
                          timeout=20, check=False, cwd=DIR).stdout.split()


def completions():
    for line, want in (("viridian sw", ["switch"]), ("viridian switch s", ["show", "set"]),
                       ("viridian switch show ", ["lan"]), ("viridian port show web", ["web1", "web2", "web3"]),
                       ("viridian port add x --switch ", ["lan"]), ("viridian port add x --dev", ["--device"]),
                       ("viridian switch add x --type ", ["external", "internal", "private"]),
                       ("viridian port set web1 --vlan tr", ["trunk:"]), ("viridian port add x --device tap:", []),
                       ("viridian capture ", ["web1", "web2", "web3", "drops"]), ("viridian apply n", ["net.yaml"]),
                       ("viridian --socket /none switch show ", []), ("viridian stats --js", ["--json"])):
        got = complete(line)
        check("completion of '%s'" % line, got == want, got)


try:
    requests()
    screens()
    statuses()
    captures()
    completions()
finally:
    shutil.rmtree(DIR)
print("1..%d" % count)
sys.exit(1 if failed else 0)
