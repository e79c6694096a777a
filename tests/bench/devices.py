# SPDX-License-Identifier: GPL-2.0-or-later
"""Devices under test: each offers two vhost-user sockets, runs its data path on one core and stays until stopped.

  limit     dpdk-testpmd, forward mode io: two port accesses and nothing else
  macswap   dpdk-testpmd, forward mode macswap
  ovs       Open vSwitch with its user-space datapath, private database, NORMAL action
  vpp       VPP bridge domain, when VIRIDIAN_VPP_PREFIX points to an installation
  viridian  this project's daemon
  netvsp    the same daemon, with netvsp ports and software netvsc drivers instead of vhost-user and virtio
"""
import json
import os
import shutil
import signal
import socket
import subprocess
import threading

import kernel
import machine
from machine import BenchError, read, run, tail, wait_until
from scenarios import NAT_GATEWAY_MAC, NAT_NEXT_HOP, NAT_POOL, VLAN

EAL = ["--in-memory", "--no-pci", "--no-telemetry", "--single-file-segments"]
IDLE_PORTS = 1000
OVS_SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"
HEALTH_POLICY = """version: 1
default: {mode: %s, unmatched: restricted}
checks: {firewall: {require: enabled}}
rules: [{name: all}]
"""
HEALTHY = '{"report": 1, "checks": {"firewall": {"is": "enabled"}}}'
OVS_DPDK = "/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk"


def many_rules():
    """10,000 pairs (address, port) that no traffic of the bench matches."""
    return [("172.%d.%d.%d" % (16 + i // 4096, i // 16 % 256, i % 16), 1024 + i % 5000) for i in range(10000)]


class Device:
    """One device. Life: start(kind), then thaw()/freeze() around each measurement, then stop()."""
    name = ""
    job = "switch"        # "copy": frames come out as they went in; "swap": with their MAC addresses swapped
    kinds = ("l2", "vlan", "idle", "acl", "rules", "guards", "healthy", "ports", "nat")
    pages = 256           # hugepages it needs
    transport = "vhost-user"
    generator_prefix = () # in front of the generator's command line

    def __init__(self, bench):
        self.bench = bench            # machine.Machine
        self.process = None
        self.dir = None
        self.watch = None             # schedstat file of its worker thread

    def missing(self):
        """Why it cannot run here, or ""."""
        return ""

    def sockets(self):
        return [os.path.join(self.dir, "vu%d" % i) for i in (0, 1)]

    def start(self, kind):
        self.dir = self.bench.folder(self.name.replace("/", "_"))
        self.launch(kind)
        wait_until(lambda: all(os.path.exists(s) for s in self.sockets()) or self._died(), 15,
                   "%s: its two sockets" % self.name)
        self.watch = machine.busiest_thread(self.process.pid)
        self.fresh_rss = self.rss()
        self.freeze()

    def may(self, scenario):
        """Can it do the job of this scenario? Those that copy begin no flows."""
        return scenario.kind in self.kinds and (scenario.mode != "new" or self.job == "switch")

    def rss(self):
        return int(read("/proc/%d/status" % self.process.pid).split("VmRSS:")[1].split()[0]) * 1024

    def forget(self, scenario):
        """Before a measurement, thawed: connections of earlier ones end."""

    def facts(self, scenario):
        """After a measurement: what else belongs into its records."""
        if scenario.kind != "nat" or self.job != "switch" or scenario.mode == "new":
            return {}
        if scenario.flows <= 1000:
            self.fresh_rss = self.rss()
            return {}
        return {"bytes_per_session": (self.rss() - self.fresh_rss) / scenario.flows}

    def _died(self):
        if self.process.poll() is None:
            return False
        raise BenchError("%s ended at once:\n%s" % (self.name, tail(self.log())))

    def log(self):
        return os.path.join(self.dir, "log")

    def launch(self, kind):
        raise NotImplementedError

    def freeze(self):
        """A device that is not being measured must not take time from the one that is."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def stop(self):
        machine.stop(self.process)
        self.process = None


class Testpmd(Device):
    def __init__(self, bench, name, mode):
        super().__init__(bench)
        self.name, self.mode = name, mode
        self.job = "swap" if mode == "macswap" else "copy"

    def missing(self):
        return "" if shutil.which("dpdk-testpmd") else "dpdk-testpmd is not installed (package dpdk-dev)"

    def launch(self, kind):
        ports = []
        for i, path in enumerate(self.sockets()):
            ports += ["--vdev", "net_vhost%d,iface=%s,queues=1" % (i, path)]
        control, worker = self.bench.generator_core, self.bench.device_core
        self.process = self.bench.start(
            ["dpdk-testpmd", "-l", "%d,%d" % (control, worker), "--main-lcore", str(control), *EAL, *ports,
             "-m", str(self.pages * machine.HUGE_MIB), "--", "-i", "--auto-start", "--burst=32",
             "--forward-mode=" + self.mode], self.log(), stdin=subprocess.PIPE)
        wait_until(lambda: "testpmd>" in read(self.log()) or self._died(), 15, "%s: its prompt" % self.name)


class Ovs(Device):
    name = "ovs"
    pages = 560
    kinds = ("l2", "vlan", "acl", "rules", "nat")

    def __init__(self, bench):
        super().__init__(bench)
        self.database = None

    def missing(self):
        have = all(map(shutil.which, ("ovsdb-tool", "ovsdb-server", "ovs-vsctl"))) and os.path.exists(OVS_DPDK)
        return "" if have else "Open vSwitch with DPDK is not installed (package openvswitch-switch-dpdk)"

    def vsctl(self, *argv):
        run("ovs-vsctl", "--timeout=20", "--db=unix:%s/db.sock" % self.dir, *argv, env=self.env)

    def launch(self, kind):
        folder = self.dir
        self.bridge = "vb%d" % os.getpid()
        self.leftovers = [name for name in (self.bridge, "ovs-netdev")
                          if not os.path.exists("/sys/class/net/" + name)]
        for name in self.leftovers:  # taps that Open vSwitch makes persistent
            self.bench.at_exit("run", "ip", "link", "del", name)
        self.env = dict(os.environ, OVS_RUNDIR=folder, OVS_LOGDIR=folder, OVS_DBDIR=folder,
                        OVS_SYSCONFDIR=folder)
        run("ovsdb-tool", "create", folder + "/conf.db", OVS_SCHEMA, env=self.env)
        self.database = self.bench.start(
            ["ovsdb-server", folder + "/conf.db", "--remote=punix:%s/db.sock" % folder, "-vconsole:off",
             "--log-file=%s/db.log" % folder], folder + "/db.out", env=self.env)
        wait_until(lambda: os.path.exists(folder + "/db.sock"), 10, "ovs: its database")
        options = {"dpdk-init": "true", "dpdk-lcore-mask": hex(1 << self.bench.generator_core),
                   "pmd-cpu-mask": hex(1 << self.bench.device_core), "dpdk-socket-mem": "1024",
                   "vhost-sock-dir": ".", "dpdk-extra": " ".join(EAL)}
        self.vsctl("--no-wait", "init", "--", "set", "Open_vSwitch", ".",
                   *("other_config:%s=\"%s\"" % pair for pair in options.items()))
        self.process = self.bench.start(
            [OVS_DPDK, "unix:%s/db.sock" % folder, "--pidfile=%s/pid" % folder, "-vconsole:off",
             "--unixctl=%s/ctl" % folder, "--log-file=" + self.log()], folder + "/out", env=self.env)
        self.vsctl("add-br", self.bridge, "--", "set", "bridge", self.bridge, "datapath_type=netdev",
                   "fail_mode=standalone", "other_config:mac-table-size=262144",
                   "other_config:mac-aging-time=3000")
        if kind == "tcp":
            ports, kind_of_port = self.taps, "tap"
        else:
            ports, kind_of_port = ("vu0", "vu1"), "dpdkvhostuser"
        for port in ports:
            self.vsctl("add-port", self.bridge, port, "--", "set", "Interface", port, "type=" + kind_of_port)
        if kind == "vlan":
            self.vsctl("set", "port", "vu0", "tag=%d" % VLAN, "vlan_mode=access", "--",
                       "set", "port", "vu1", "trunks=%d" % VLAN, "vlan_mode=trunk")
        if kind in ("acl", "rules"):
            self.connection_tracking(kind == "rules")
        if kind == "nat":
            self.translation()

    def connection_tracking(self, many):
        """A may open connections, B may answer; 10,000 rules for new connections when many."""
        flows = ["table=0,priority=10,ip,actions=ct(table=1,zone=1)", "table=0,priority=1,actions=NORMAL",
                 "table=1,priority=60000,ip,ct_state=+trk+est,actions=NORMAL",
                 "table=1,priority=1,ip,in_port=vu0,ct_state=+trk+new,actions=ct(commit,zone=1),NORMAL",
                 "table=1,priority=0,actions=drop"]
        if many:
            flows += ["table=1,priority=1000,tcp,in_port=vu0,ct_state=+trk+new,nw_dst=%s,tcp_dst=%d,actions=drop"
                      % rule for rule in many_rules()]
        self.flows(flows)

    def translation(self, ports=("vu0", "vu1"), macs=None, pool=NAT_POOL):
        """Addresses and ports only: it neither answers for the gateway nor changes TTL, and MACs where told to."""
        a, b = ports
        to_a, to_b = ("mod_dl_dst:%s," % mac for mac in macs) if macs else ("", "")
        self.flows(["table=0,priority=10,ip,ct_state=-trk,actions=ct(zone=1,nat,table=1)",
                    "table=0,priority=1,actions=NORMAL",
                    "table=1,priority=20,ip,in_port=%s,ct_state=+trk+new,"
                    "actions=ct(commit,zone=1,nat(src=%s-%s)),%soutput:%s" % (a, *pool, to_b, b),
                    "table=1,priority=20,ip,in_port=%s,ct_state=+trk+est,actions=%soutput:%s" % (a, to_b, b),
                    "table=1,priority=20,ip,in_port=%s,ct_state=+trk+est,actions=%soutput:%s" % (b, to_a, a),
                    "table=1,priority=0,actions=drop"])

    def forget(self, scenario):
        if scenario.kind in ("nat", "acl"):
            run("ovs-appctl", "-t", self.dir + "/ctl", "dpctl/flush-conntrack", env=self.env)

    def flows(self, flows):
        path = os.path.join(self.dir, "flows")
        with open(path, "w") as f:
            f.write("\n".join(flows) + "\n")
        run("ovs-ofctl", "-O", "OpenFlow14", "--bundle", "replace-flows", "unix:%s/%s.mgmt" % (self.dir, self.bridge),
            path, env=self.env, timeout=60)

    def stop(self):
        super().stop()
        machine.stop(self.database)
        self.database = None
        for name in self.leftovers:
            run("ip", "link", "del", name, check=False)


class Vpp(Device):
    name = "vpp"
    pages = 128
    kinds = ("l2", "vlan")

    def __init__(self, bench):
        super().__init__(bench)
        self.prefix = os.environ.get("VIRIDIAN_VPP_PREFIX", "")

    def missing(self):
        if not self.prefix:
            return "VIRIDIAN_VPP_PREFIX does not point to a VPP installation"
        return "" if os.path.exists(self.prefix + "/bin/vpp") else "no bin/vpp in " + self.prefix

    def cli(self, *lines):
        for line in lines:
            out = run(self.prefix + "/bin/vppctl", "-s", self.dir + "/cli.sock", *line.split())
            if "unknown input" in out or "error" in out.lower():
                raise BenchError("vpp: %s: %s" % (line, out.strip()))

    def launch(self, kind):
        plugins = next((os.path.join(top, "vpp_plugins") for top, names, _ in os.walk(self.prefix)
                        if "vpp_plugins" in names), "")
        config = self.dir + "/startup.conf"
        with open(config, "w") as f:
            f.write("unix { nodaemon nosyslog cli-listen %(dir)s/cli.sock runtime-dir %(dir)s }\n"
                    "api-segment { prefix viridian-bench }\n"
                    "cpu { main-core %(main)d corelist-workers %(worker)d }\n"
                    "memory { main-heap-size 1G }\n"
                    "buffers { buffers-per-numa 32768 default data-size 2048 }\n"
                    "statseg { size 64M socket-name %(dir)s/stats.sock }\n"
                    "plugins { path %(plugins)s }\n"
                    % dict(dir=self.dir, main=self.bench.generator_core, worker=self.bench.device_core,
                           plugins=plugins))
        self.process = self.bench.start([self.prefix + "/bin/vpp", "-c", config], self.log())
        wait_until(lambda: os.path.exists(self.dir + "/cli.sock") or self._died(), 20, "vpp: its CLI")
        a, b = "VirtualEthernet0/0/0", "VirtualEthernet0/0/1"
        for i, port in enumerate((a, b)):
            self.cli("create vhost-user socket %s server" % self.sockets()[i],
                     "set interface state %s up" % port)
        self.cli("create bridge-domain 10 learn 1 forward 1 uu-flood 1 flood 1 arp-term 0",
                 "set interface l2 bridge %s 10" % a)
        if kind == "vlan":
            self.cli("create sub-interfaces %s %d dot1q %d exact-match" % (b, VLAN, VLAN),
                     "set interface state %s.%d up" % (b, VLAN),
                     "set interface l2 bridge %s.%d 10" % (b, VLAN),
                     "set interface l2 tag-rewrite %s.%d pop 1" % (b, VLAN))
        else:
            self.cli("set interface l2 bridge %s 10" % b)


class Viridian(Device):
    """The daemon of a build folder: this tree's, or another commit's for --against."""
    kinds = (*Device.kinds, "super")
    pages = 320
    memory_mib = 512
    prefix = ()  # in front of the daemon's command line

    def __init__(self, bench, build, name="viridian"):
        super().__init__(bench)
        self.name, self.build = name, build
        self.daemon = os.path.join(build, "vswitch", "viridiand")
        self.client = os.path.join(build, "ctl", "viridian")

    def missing(self):
        lost = [p for p in (self.daemon, self.client) if not os.path.exists(p)]
        return "%s is not built (./run build)" % " and ".join(lost) if lost else ""

    def ctl(self, *argv):
        return run(self.client, "--socket", self.dir + "/control", *argv)

    def write(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, "w") as f:
            f.write(text)
        return path

    def watch_health(self, ports, mode="enforce"):
        """A health policy, and reports that satisfy it; also when a port is connected anew, which makes it unknown."""
        self.ctl("nap", "apply", self.write("health.yaml", HEALTH_POLICY % mode))
        report = self.write("report.json", HEALTHY)
        for port in ports:
            self.ctl("nap", "report", port, report)
        if ports:
            threading.Thread(target=self._heal, daemon=True).start()

    def _heal(self):
        def ask(method, **params):
            s.sendall(json.dumps(dict(jsonrpc="2.0", id=1, method=method, params=params)).encode() + b"\n")

        with socket.socket(socket.AF_UNIX) as s:
            s.connect(self.dir + "/control")
            ask("subscribe")
            for line in s.makefile():
                said = json.loads(line).get("params") or {}
                if said.get("health") == "unknown" and said.get("trigger") == "link":
                    ask("nap.report", name=said["port"], document=HEALTHY)

    def launch_daemon(self, options):
        self.process = self.bench.start(
            [*self.prefix, self.daemon, "--socket", self.dir + "/control", "--state", self.dir + "/state",
             "--workers", str(self.bench.device_core), "--memory", str(self.memory_mib), *options], self.log())
        wait_until(lambda: os.path.exists(self.dir + "/control") or self._died(), 15,
                   "%s: its control socket" % self.name)

    def launch(self, kind):
        self.launch_daemon([] if kind == "idle" else ["--poll"])
        if kind == "nat":
            self.translation([self.transport + ":" + path for path in self.sockets()])
            return
        self.ctl("switch", "add", "bench", "--type", "private", "--fdb-limit", "262144")
        modes = {"vlan": ("access:%d" % VLAN, "trunk:%d" % VLAN)}.get(kind, ("none", "none"))
        for name, path, mode in zip("ab", self.sockets(), modes):
            self.ctl("port", "add", name, "--switch", "bench", "--device", self.transport + ":" + path,
                     "--learn", "200000", "--vlan", mode)
        if kind == "healthy":
            self.watch_health("ab")
        policy = self.policy(kind)
        if policy or kind == "ports":
            document = json.loads(self.ctl("--json", "export"))
            if kind == "ports":
                document["ports"] += [dict(name="v%d" % i, switch="bench", device="vhost-user:%s/v%d" % (self.dir, i))
                                      for i in range(IDLE_PORTS)]
            for port in document["ports"]:
                port.update(policy.get(port["name"], {}))
            self.ctl("apply", self.write("policy.json", json.dumps(document)))

    def translation(self, devices):
        """An external switch needs an uplink; the outside is another port of it."""
        self.ctl("switch", "add", "wan", "--type", "external", "--no-host-vnic",
                 "--uplink", "pcap:tx=%s/uplink.pcap" % self.dir)
        self.ctl("nat", "add", "lab", "--prefix", "10.1.0.0/16", "--backend", "dataplane", "--via", "wan",
                 "--external", "%s-%s" % NAT_POOL, "--next-hop", NAT_NEXT_HOP, "--no-dhcp", "--no-dns")
        self.ctl("port", "set", "lab:nat", "--mac", NAT_GATEWAY_MAC)
        for name, switch, device in zip("ab", ("lab", "wan"), devices):
            self.ctl("port", "add", name, "--switch", switch, "--device", device, "--learn", "1000")

    def forget(self, scenario):
        if scenario.kind == "nat":
            self.ctl("nat", "session", "flush", "lab")
        self.stages_before = self.stages()

    def stages(self):
        """{stage: (packets measured, cycles)} of the worker so far, as `viridian runtime` tells."""
        worker = json.loads(self.ctl("--json", "runtime"))["workers"][0]
        return {s["stage"]: (s["packets_measured"], s["packets_measured"] * (s["cycles_per_packet"] or 0))
                for s in worker.get("stages", [])}

    def facts(self, scenario):
        found = super().facts(scenario)
        if scenario.mode == "throughput":
            now, before = self.stages(), self.stages_before
            received = now["receive"][0] - before["receive"][0]
            # not all packets pass all stages: by those received, stages add up to what a packet costs
            found["stages"] = {name: round((cycles - before[name][1]) / received, 1)
                               for name, (packets, cycles) in now.items() if packets > before[name][0]}
        return found

    @staticmethod
    def policy(kind):
        """Members of the two ports, by name."""
        def rule(direction, action, weight, **more):
            return dict(direction=direction, kind="extended", action=action, weight=weight, **more)

        acl = [rule("from-vm", "allow", 100, stateful=True), rule("from-vm", "deny", 1), rule("to-vm", "deny", 1)]
        if kind == "rules":
            acl += [rule("from-vm", "deny", 200, protocol="tcp", remote=address, remote_port=str(port))
                    for address, port in many_rules()]
        if kind in ("acl", "rules"):
            return {"a": {"acl": acl}}
        if kind == "guards":
            guard = {"dhcp": True, "router": True, "control": True}
            return {"a": {"guard": guard}, "b": {"guard": guard}}
        return {}


class ViridianNetvsp(Viridian):
    """The same daemon with guests of Hyper-V's kind."""
    transport = "netvsp"
    kinds = ("l2", "vlan", "idle", "acl", "rules", "guards", "super")

    def __init__(self, bench, build):
        super().__init__(bench, build, "netvsp")


def make(name, bench, build):
    """The device called name. BenchError with the names there are when it is unknown."""
    makers = {"limit": lambda: Testpmd(bench, "limit", "io"),
              "macswap": lambda: Testpmd(bench, "macswap", "macswap"),
              "ovs": lambda: Ovs(bench), "kernel": lambda: kernel.Router(bench), "vpp": lambda: Vpp(bench),
              "viridian": lambda: Viridian(bench, build), "netvsp": lambda: ViridianNetvsp(bench, build)}
    if name not in makers:
        raise BenchError("no device %r; there are: %s" % (name, ", ".join(makers)))
    return makers[name]()
