"""The stage: one network namespace per device, a real switch between them, a mirror port with a capture on it.

Open vSwitch (user-space datapath, unmodified) gives access ports with VLAN tags and the mirror. The core switch's routed
interfaces are one port per VLAN that share its MAC, as a layer-3 switch's do. The mirror copies what enters each port
(the "rx" of a SPAN session), so every frame is seen once, with its sender's VLAN tag. Nothing here has a way out: no
namespace is connected to the machine's own interfaces. Everything started is recorded and ended by its own process id.
"""

import os
import pathlib
import shutil
import signal
import subprocess
import threading
import time

PREFIX = "stb-"
SWITCH, MIRROR, OUTSIDE = PREFIX + "fabric", PREFIX + "mirror", PREFIX + "outside"
QUIET = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def sh(*argv, check=True, **kw):
    """Runs a short command and returns its output."""
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, **kw)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(map(str, argv))}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


class Stage:
    """Owns the namespaces, the switch and every process; `close` removes all of it."""

    def __init__(self, roster, work):
        self.roster, self.work = roster, pathlib.Path(work)
        self.namespaces, self.processes = [], []
        self.lock = threading.Lock()

    # -- building ---------------------------------------------------------------------------------------------------

    def build(self):
        self._remove_leftovers()
        for ns in (SWITCH, MIRROR, OUTSIDE):
            self._namespace(ns)
        self._start_switch()
        ports = [self._core_switch()]
        for i, d in enumerate(self.roster.with_interface(), 1):
            ports.append([self._device(f"p{i}", d)])
        self._mirror([name for group in ports for name in group])

    def _remove_leftovers(self):
        for line in sh("ip", "netns", "list").splitlines():
            name = line.split()[0]
            if name.startswith(PREFIX):
                sh("ip", "netns", "del", name)

    def _namespace(self, ns, ipv6=False):
        sh("ip", "netns", "add", ns)
        self.namespaces.append(ns)
        if not ipv6:
            sh("ip", "netns", "exec", ns, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1")
        sh("ip", "-n", ns, "link", "set", "lo", "up")
        etc = pathlib.Path("/etc/netns") / ns
        etc.mkdir(parents=True, exist_ok=True)
        (etc / "resolv.conf").write_text(f"search {self.roster.domain}\nnameserver {self.roster.ip('it-srv-infra')}\noptions timeout:2 attempts:1\n")
        (etc / "hosts").write_text("127.0.0.1 localhost\n")

    def _start_switch(self):
        d = self.work / "ovs"
        d.mkdir(parents=True)
        self.ovs = ["ovs-vsctl", f"--db=unix:{d}/db.sock"]
        env = {**os.environ, "OVS_RUNDIR": str(d), "OVS_LOGDIR": str(d), "OVS_DBDIR": str(d)}
        sh("ovsdb-tool", "create", d / "conf.db", "/usr/share/openvswitch/vswitch.ovsschema")
        self._spawn_in(SWITCH, ["ovsdb-server", d / "conf.db", f"--remote=punix:{d}/db.sock", f"--unixctl={d}/db.ctl"], env=env)
        _wait_for(d / "db.sock")
        sh(*self.ovs, "--no-wait", "init")
        self._spawn_in(SWITCH, ["ovs-vswitchd", f"unix:{d}/db.sock", f"--unixctl={d}/sw.ctl"], env=env)
        _wait_for(d / "sw.ctl")
        sh(*self.ovs, "add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev",
           "other_config:forward-bpdu=true", "other_config:mac-aging-time=3600")

    def _port(self, port, ns, iface, mac, vlan):
        """A cable: `port` at the switch, `iface` in the device. Offloads off, so that checksums and sizes are the wire's."""
        sh("ip", "link", "add", "name", port, "netns", SWITCH, "type", "veth", "peer", "name", iface, "netns", ns)
        if mac:
            sh("ip", "-n", ns, "link", "set", iface, "address", mac)
        for n, i in ((SWITCH, port), (ns, iface)):
            sh("ip", "netns", "exec", n, "ethtool", "-K", i, "tx", "off", "tso", "off", "gso", "off", "gro", "off")
            sh("ip", "-n", n, "link", "set", i, "up")
        tag = [f"tag={vlan}"] if vlan else []
        sh(*self.ovs, "add-port", "br0", port, *tag)
        return port

    def _core_switch(self):
        core = self.roster.device("it-switch-core")
        ns = PREFIX + core["id"]
        self._namespace(ns, ipv6=True)
        sh("ip", "netns", "exec", ns, "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=0",
           "net.ipv4.conf.default.rp_filter=0", "net.ipv4.conf.all.send_redirects=0", "net.ipv6.conf.all.disable_ipv6=1",
           "net.ipv6.conf.default.disable_ipv6=1", "net.ipv4.conf.all.arp_ignore=1", "net.ipv4.conf.all.arp_announce=2")
        ports = []
        for v in self.roster.vlans:
            if not v["mirrored"]:
                continue
            ports.append(self._port(f"core{v['id']}", ns, f"vlan{v['id']}", core["mac"], v["id"]))
            sh("ip", "-n", ns, "addr", "add", v["gateway"] + "/24", "brd", "+", "dev", f"vlan{v['id']}")
            if "subnet6" in v:
                sh("ip", "netns", "exec", ns, "sysctl", "-qw", f"net.ipv6.conf.vlan{v['id']}.disable_ipv6=0")
                sh("ip", "-n", ns, "addr", "add", v["subnet6"].replace("::/64", "::1/64"), "dev", f"vlan{v['id']}", "nodad")
        sh("ip", "link", "add", "name", "wan", "netns", ns, "type", "veth", "peer", "name", "eth0", "netns", OUTSIDE)
        for n, i, a in ((ns, "wan", "10.99.0.1/24"), (OUTSIDE, "eth0", "10.99.0.2/24")):
            sh("ip", "-n", n, "addr", "add", a, "dev", i)
            sh("ip", "netns", "exec", n, "ethtool", "-K", i, "tx", "off", "tso", "off", "gso", "off", "gro", "off")
            sh("ip", "-n", n, "link", "set", i, "up")
        sh("ip", "-n", OUTSIDE, "route", "add", "default", "via", "10.99.0.1")
        for p in self.roster.peers:
            sh("ip", "-n", OUTSIDE, "addr", "add", p["stand_in"] + "/24", "dev", "eth0")
        return ports

    def _device(self, port, d):
        ns = PREFIX + d["id"]
        ipv6 = self.roster.speaks_ipv6(d)
        self._namespace(ns, ipv6)
        if ipv6:
            sh("ip", "netns", "exec", ns, "sysctl", "-qw", "net.ipv6.conf.default.addr_gen_mode=0")
        self._port(port, ns, "eth0", d["mac"], d["vlan"])
        sh("ip", "-n", ns, "addr", "add", d["ip"] + "/24", "brd", "+", "dev", "eth0")
        sh("ip", "-n", ns, "route", "add", "default", "via", self.roster.vlan(d["vlan"])["gateway"])
        sh("ip", "-n", ns, "route", "add", "224.0.0.0/4", "dev", "eth0")
        return port

    def _mirror(self, ports):
        self._port("span", MIRROR, "eth0", None, None)
        ids, names = [], []
        for i, p in enumerate(ports):
            ids += ["--", f"--id=@p{i}", "get", "port", p]
            names.append(f"@p{i}")
        sh(*self.ovs, *ids[1:], "--", "--id=@out", "get", "port", "span", "--", "--id=@m", "create", "mirror", "name=span",
           "select_src_port=" + ",".join(names), "output_port=@out", "--", "set", "bridge", "br0", "mirrors=@m")

    # -- running ----------------------------------------------------------------------------------------------------

    def capture(self, path):
        """Starts the capture at the mirror port. Full frames, as they arrive."""
        proc = self._spawn_in(MIRROR, ["tcpdump", "-i", "eth0", "-w", path, "-s", "0", "-B", "65536", "-Z", "root"], log=self.work / "capture.log")
        time.sleep(1.5)
        return proc

    def spawn(self, dev, argv, private=False, stdin=None, stdout=None, log=None, env=None):
        """A long-lived process inside a device. `private`: own hostname and own empty /run, for daemons that insist on them."""
        return self._spawn_in(PREFIX + dev, argv, self._host(dev) if private else None, stdin, stdout, log, env)

    def spawn_outside(self, argv, log=None):
        return self._spawn_in(OUTSIDE, argv, log=log)

    def run(self, dev, argv, timeout=15, stdin="", private=False, env=None):
        """A short command inside a device. Returns (exit code or None on timeout, output). Never raises for the command's sake."""
        cmd = _inside(PREFIX + dev, argv, self._host(dev) if private else None)
        proc = subprocess.Popen(cmd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                                start_new_session=True, env=env)
        try:
            out, _ = proc.communicate(stdin, timeout=timeout)
            return proc.returncode, out
        except subprocess.TimeoutExpired:
            _end(proc)
            out, _ = proc.communicate()
            return None, out

    def _host(self, dev):
        return self.roster.anything(dev).get("hostname") or dev

    def _spawn_in(self, ns, argv, host=None, stdin=None, stdout=None, log=None, env=None):
        sink = open(log, "ab") if log else subprocess.DEVNULL
        proc = subprocess.Popen(_inside(ns, argv, host), stdin=stdin or subprocess.DEVNULL, stdout=stdout or sink, stderr=sink,
                                start_new_session=True, env=env)
        with self.lock:
            self.processes.append((proc, " ".join(map(str, argv))))
        return proc

    def dead(self):
        """Long-lived processes that ended on their own, for the report."""
        return [(what, p.returncode) for p, what in self.processes if p.poll() is not None]

    def close(self):
        for proc, _ in reversed(self.processes):
            _end(proc)
        for ns in reversed(self.namespaces):
            sh("ip", "netns", "del", ns, check=False)
            shutil.rmtree(pathlib.Path("/etc/netns") / ns, ignore_errors=True)


def _inside(ns, argv, host=None):
    argv = [str(a) for a in argv]
    if host is None:
        return ["ip", "netns", "exec", ns, *argv]
    prepare = 'hostname "$0"; mount -t tmpfs tmpfs /run; mkdir -p /run/lldpd /run/avahi-daemon /run/samba /run/sshd; exec "$@"'
    return ["ip", "netns", "exec", ns, "unshare", "--uts", "sh", "-c", prepare, host, *argv]


def _end(proc):
    """Ends one process group that we started: politely, then not."""
    for sig, patience in ((signal.SIGTERM, 1.5), (signal.SIGKILL, 1.5)):
        if proc.poll() is not None:
            break
        try:
            os.killpg(proc.pid, sig)
            proc.wait(patience)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


def _wait_for(path, seconds=10):
    end = time.monotonic() + seconds
    while not pathlib.Path(path).exists():
        if time.monotonic() > end:
            raise RuntimeError(f"{path} did not appear")
        time.sleep(0.05)
