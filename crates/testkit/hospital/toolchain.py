"""What the sample needs on a Debian 12 machine, and where to find it: apt packages, a Python environment, two more DCMTK generations.

DCMTK 3.6.7 is the machine's own. 3.6.5 (bullseye) and 3.6.9 (trixie) are fetched as .deb files and unpacked, never installed: three
real generations of one stack, so that an advisory can be matched by real versions.
"""

import os
import pathlib
import shutil
import subprocess

APT = """avahi-daemon bind9-dnsutils busybox chrony curl dcmtk dnsmasq-base dropbear-bin ethtool iproute2 isc-dhcp-client isc-dhcp-relay
isc-dhcp-server libnss-mdns lighttpd lighttpd-mod-openssl lldpd llmnrd miniupnpc mosquitto mosquitto-clients netcat-openbsd nginx-light openssh-client openssh-server
kamailio openssl openvswitch-switch orthanc orthanc-dicomweb rdate samba sipsak smbclient snmp snmpd socat tcpdump tshark udhcpc wsdd zstd bsdutils""".split()
PIP = ["async-upnp-client==0.49.0", "bacpypes3==0.0.110", "cryptography==50.0.2", "hl7==0.4.5", "hl7apy==1.3.5", "numpy==2.4.6", "pydicom==3.0.2", "pyftpdlib==2.2.0",
       "pymodbus==3.16.1", "pynetdicom==3.0.4", "sdc11073==3.0.0", "WSDiscovery==2.1.2"]
COMMANDS = """avahi-daemon busybox chronyd curl dhclient dhcpd dhcrelay dig dnsmasq dropbear ethtool findscu ip lighttpd lldpd llmnrd llmnr-query
kamailio mosquitto mosquitto_pub nginx nmbd Orthanc ovs-vswitchd rdate sipsak smbclient smbd snmpd snmpbulkwalk socat sshd storescp tcpdump udhcpc upnpc wlmscpfs wsdd zstd""".split()
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
OLD = {"3.6.5": ("bullseye", ["dcmtk", "libdcmtk15", "libicu67", "libssl1.1"]),
       "3.6.9": ("trixie", """dcmtk libdcmtk19 dcmtk-data libc6 libssl3t64 libpng16-16t64 libtiff6 libstdc++6 libgcc-s1 libxml2 zlib1g libwrap0 libicu76 liblzma5 libzstd1
 liblerc4 libjbig0 libjpeg62-turbo libdeflate0 libwebp7 libsharpyuv0 libnsl2 libtirpc3t64""".split())}


def missing_commands():
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    return [c for c in COMMANDS if not shutil.which(c, path=path)]


def install():
    subprocess.run(["apt-get", "install", "-y", "-q", "--no-install-recommends", *APT], check=True, stdout=subprocess.DEVNULL)


def python_environment(folder):
    """A virtual environment with the pinned libraries; returns its interpreter."""
    folder = pathlib.Path(folder)
    python = folder / "bin" / "python3"
    stamp = folder / "installed"
    if not stamp.exists() or stamp.read_text().split() != PIP:
        subprocess.run(["python3", "-m", "venv", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *PIP], check=True)
        stamp.write_text("\n".join(PIP))
    return str(python)


class Dcmtk:
    """Commands of the three generations. `command(version, tool)` is an argv prefix, `env(version)` its environment."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        for version, (suite, packages) in OLD.items():
            if not (self.folder / version / "usr/bin/storescu").exists():
                self._fetch(version, suite, packages)

    def _fetch(self, version, suite, packages):
        apt, into = self.folder / f"apt-{suite}", self.folder / version
        for d in ("lists/partial", "cache/archives/partial", "debs"):
            (apt / d).mkdir(parents=True, exist_ok=True)
        into.mkdir(parents=True, exist_ok=True)
        (apt / "sources.list").write_text(f"deb [signed-by={KEYRING}] http://deb.debian.org/debian {suite} main\n")
        options = ["-o", f"Dir::Etc::sourcelist={apt}/sources.list", "-o", "Dir::Etc::sourceparts=/dev/null", "-o", f"Dir::State::lists={apt}/lists",
                   "-o", f"Dir::Cache={apt}/cache", "-o", "APT::Sandbox::User=root", "-q"]
        subprocess.run(["apt-get", *options, "update"], check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["apt-get", *options, "download", *[f"{p}/{suite}" for p in packages]], check=True, cwd=apt / "debs", stdout=subprocess.DEVNULL)
        for deb in (apt / "debs").glob("*.deb"):
            subprocess.run(["dpkg", "-x", deb, into], check=True)

    def command(self, version, tool):
        if version == "3.6.7":
            return [tool]
        root = self.folder / version
        if version == "3.6.5":
            return [str(root / "usr/bin" / tool)]
        return [str(root / "usr/lib64/ld-linux-x86-64.so.2"), "--library-path", f"{root}/usr/lib/x86_64-linux-gnu", str(root / "usr/bin" / tool)]

    def env(self, version):
        env = dict(os.environ)
        if version != "3.6.7":
            root = self.folder / version
            dictionary = next(root.glob("usr/share/*/dicom.dic"), None) or next(root.rglob("dicom.dic"))
            env["DCMDICTPATH"] = str(dictionary)
            if version == "3.6.5":
                env["LD_LIBRARY_PATH"] = f"{root}/usr/lib/x86_64-linux-gnu"
        return env


def versions(python):
    """Names and versions of the software that made the packets, for the sample's README."""
    packages = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${Version}\n", *APT], capture_output=True, text=True).stdout
    listed = sorted(line for line in packages.splitlines() if len(line.split()) == 2)
    return listed + [f"dcmtk 3.6.5-1 (bullseye, unpacked)", "dcmtk 3.6.9 with OpenSSL 3.5 (trixie, unpacked)"] + sorted(f"{p.replace('==', ' ')} (PyPI)" for p in PIP)
