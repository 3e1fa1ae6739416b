"""The day at St Brannoc's: who does what in which round. Every act is a real program run inside the device's namespace.

A round stands for a slot of the day (see simclock.py). `Day.run` starts a round's acts on a few threads and waits for them.
"""

import collections
import concurrent.futures
import datetime
import hashlib
import json
import os
import pathlib
import random
import subprocess
import threading
import time

import images
import messages
import patients
from services import actor

SERVER_NTP = ("it-srv-ehr", "it-srv-broker", "rad-pacs", "rad-worklist", "lab-lis", "lab-engine", "icu-gateway", "ed-ecg-server")
UA = {"windows": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Safari/537.36 Edg/128.0.0.0",
      "android": "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36",
      "ios": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1"}


LAST_WORD = 30  # the slot 05:20 to 05:50, the last in which the silent cuff speaks


def silent(d, when):
    """True when the roster says that the device says nothing any more."""
    return "silent_from" in d and when >= datetime.datetime.fromisoformat(d["silent_from"])


class LineActor:
    """An actor process that takes one JSON order per line and may answer each with one line."""

    def __init__(self, services, dev, name, *args, env=None):
        self.lock = threading.Lock()
        self.proc = services.spawn(dev, name, [services.python, actor(name + ".py"), *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env)

    def tell(self, line=""):
        with self.lock:
            self.proc.stdin.write((line + "\n").encode())
            self.proc.stdin.flush()

    def ask(self, order):
        with self.lock:
            self.proc.stdin.write((json.dumps(order) + "\n").encode())
            self.proc.stdin.flush()
            answer = self.proc.stdout.readline()
        return json.loads(answer) if answer.strip() else {}

    def wait(self):
        return self.proc.stdout.readline()


class Day:
    """Holds the actors and the counters, and plays rounds."""

    def __init__(self, stage, services, roster, clock, work, seed=7):
        self.stage, self.sv, self.roster, self.clock, self.work = stage, services, roster, clock, pathlib.Path(work)
        self.rng = random.Random(seed)
        self.counts, self.failures, self.lock = collections.Counter(), collections.Counter(), threading.Lock()
        self.accession = 50110
        self.lab_number = 7700
        self.studies = []
        self.index, self.when = 0, None

    # -- helpers ----------------------------------------------------------------------------------------------------

    def count(self, what, n=1):
        with self.lock:
            self.counts[what] += n

    def ip(self, id):
        return self.roster.ip(id)

    def now(self, dev):
        return self.clock.now(self.ip(dev))

    def do(self, dev, what, argv, ok=(0,), n=1, **kw):
        """Runs a command, counts it as done or failed."""
        code, out = self.stage.run(dev, argv, **kw)
        if code in ok:
            self.count(what, n)
        else:
            with self.lock:
                self.failures[f"{what} ({dev})"] += 1
            self.last_failure = (dev, [str(a) for a in argv], code, out[-400:])
            with open(self.work / "failures.log", "a") as f:
                f.write(json.dumps(self.last_failure) + "\n")
        return out if code in ok else None

    def pick(self, key, n):
        """A stable number below n for a key."""
        return int.from_bytes(hashlib.sha256(str(key).encode()).digest()[:4], "big") % n

    def wobble(self):
        r = random.Random(self.rng.random())
        return lambda i: random.Random(r.random() + i).random()

    # -- start ------------------------------------------------------------------------------------------------------

    def begin(self):
        """Starts the talking processes. SDC devices come up one by one: their Hello is part of the sample."""
        r, eng, ehr = self.roster, self.ip("lab-engine"), self.ip("it-srv-ehr")
        roles = {"lab-engine": {"listen": [2575, 6661, 6662], "forward": {"ORU": [], "ADT": []}}, "it-srv-ehr": {"listen": [2575], "server": "hl7apy"}, "lab-lis": {"listen": [2576]},
                 "rad-worklist": {"listen": [2577]}, "icu-gateway": {}, "ed-monitor": {}, "ed-ecg-server": {}, **{d["id"]: {} for d in r.of_class("dialysis-machine")}}
        self.hl7 = {dev: LineActor(self.sv, dev, "hl7_node", json.dumps(cfg)) for dev, cfg in roles.items()}
        self.engine_ports = {"lab-lis": (eng, 6661), "ed-ecg-server": (eng, 6661), "icu-gateway": (eng, 6662)}
        self.dicom = {dev: LineActor(self.sv, dev, "dicom_node", *args) for dev, args in
                      {"rad-ct": ["STB_CT1"], "rad-us-1": ["STB_US1"], "rad-us-2": ["STB_US2"], "rad-ws-2": ["STB_WS2", "11112"]}.items()}
        self.sdc = {}
        for d in r.of_class("ventilator", "patient-monitor"):
            if d.get("stack") == "sdc11073":
                tls = str(self.sv.ca.issue(d["id"], d["cert_cn"], org=d["maker"])) if "cert_cn" in d else None
                cfg = {k: d[k] for k in ("id", "ip", "maker", "model", "serial", "firmware", "bed")} | {"kind": d["class"], "tls": tls}
                self.sdc[d["id"]] = LineActor(self.sv, d["id"], "sdc_provider", json.dumps(cfg))
        self.consumer = LineActor(self.sv, "icu-gateway", "sdc_consumer", self.ip("icu-gateway"), str(self.sv.ca.folder / "icu-gateway"))
        self.fridges = {}
        bms = r.of_class("building-controller")
        self.bacnet = {d["id"]: LineActor(self.sv, d["id"], "bacnet_node", d["hostname"].upper(), str(60000 + k), d["ip"], *[f"{60000 + j}@{o['ip']}" for j, o in enumerate(bms) if o is not d])
                       for k, d in enumerate(bms)}
        for a in self.sdc.values():
            a.wait()

    def prepare_dhcp(self):
        """Client configurations by kind; see README for what each is meant to look like."""
        self.dhcp_conf = {}
        for d in self.roster.with_interface():
            if d.get("dhcp") in ("dhclient", "windows", "android", "ios"):
                lines = ["option classless-ms code 249 = array of unsigned integer 8;", "option wpad code 252 = text;", "option captive code 114 = text;", "option v6only code 108 = unsigned integer 32;",
                         "timeout 4;", "retry 3;", "initial-interval 1;"]
                if d.get("hostname"):
                    lines.append(f'send host-name "{d["hostname"]}";')
                if d["dhcp"] == "windows":
                    lines += ['send vendor-class-identifier "MSFT 5.0";', f"send dhcp-client-identifier 1:{d['mac']};", f'send fqdn.fqdn "{self.roster.fqdn(d)}";', "send fqdn.encoded off;",
                              "request subnet-mask, routers, domain-name-servers, domain-name, router-discovery, static-routes, vendor-encapsulated-options, netbios-name-servers, netbios-node-type, netbios-scope, domain-search, classless-ms, wpad;"]
                elif d["dhcp"] == "android":
                    lines += ['send vendor-class-identifier "android-dhcp-14";', f"send dhcp-client-identifier 1:{d['mac']};",
                              "request subnet-mask, routers, domain-name-servers, domain-name, interface-mtu, broadcast-address, dhcp-lease-time, dhcp-renewal-time, dhcp-rebinding-time, vendor-encapsulated-options, captive, v6only;"]
                elif d["dhcp"] == "ios":
                    lines += [f"send dhcp-client-identifier 1:{d['mac']};", "request subnet-mask, routers, domain-name-servers, domain-name, v6only, captive, domain-search, wpad;"]
                else:
                    lines += {"patient-monitor": ['send vendor-class-identifier "NORTHVALE:SENTIO-M7";', f'send user-class "icu";', "request subnet-mask, routers, domain-name-servers, ntp-servers, domain-name;"],
                              "ultrasound": [f'send vendor-class-identifier "Sonara {d["model"]}";', "request subnet-mask, routers, domain-name-servers, domain-name, ntp-servers, broadcast-address;"],
                              "ecg-cart": ['send vendor-class-identifier "cardine-e12";', "request subnet-mask, routers, domain-name-servers, ntp-servers;"],
                              "ups": ['send vendor-class-identifier "APC";', "send dhcp-client-identifier 1:" + d["mac"] + ";", "request subnet-mask, routers, domain-name-servers, domain-name, vendor-encapsulated-options, host-name, ntp-servers, time-offset;"],
                              "camera": ['send vendor-class-identifier "AXIS,Network Camera,P3265-LV,11.11.94";', "request subnet-mask, broadcast-address, routers, domain-name-servers, domain-name, host-name, ntp-servers, domain-search;"],
                              "printer": [f'send vendor-class-identifier "{"Hewlett-Packard JetDirect" if d["maker"] == "HP" else "Zebra Technologies"}";',
                                          "request subnet-mask, routers, log-servers, host-name, domain-name, domain-name-servers, www-server, netbios-name-servers, netbios-node-type, domain-search;"]}.get(d["class"], [])
                self.dhcp_conf[d["id"]] = self.sv._file(d["id"], "dhclient", "\n".join(lines) + "\n")

    VENDOR = {"ventilator": "Aurelis:Vela500:4.2", "dialysis-machine": "Brook HD-9", "sip-phone": "yealink", "building-controller": "AC-42", "medical-refrigerator": "ESP32-CoolKeep",
              "blood-pressure-cuff": "Tern BP-2", "poct-dock": "Tarn-GlucoDock"}

    def dhcp(self, d):
        if d["id"] in self.dhcp_conf:
            conf = self.dhcp_conf[d["id"]]
            out = self.stage.run(d["id"], ["dhclient", "-4", "-1", "-d", "-cf", conf, "-lf", conf.with_name("leases"), "-pf", conf.with_name("pid"), "-sf", "/bin/true", "eth0"], timeout=5)[1]
            good = "bound to" in out
        else:
            options = ["-x", f"hostname:{d['hostname']}"] if d.get("hostname") else []
            if d["class"] in self.VENDOR:
                options += ["-V", self.VENDOR[d["class"]]]
            if d["class"] in ("ventilator", "dialysis-machine"):
                options += ["-O", "ntpsrv", "-O", "search"]
            code, out = self.stage.run(d["id"], ["busybox", "udhcpc", "-f", "-i", "eth0", "-n", "-q", "-t", "3", "-T", "2", "-s", "/bin/true", *options], timeout=8)
            good = code == 0
        self.count("dhcp exchanges") if good else self.failures.update([f"dhcp ({d['id']})"])

    def dhcpv6(self, d):
        conf = self.sv._dir(d["id"], "dhclient6")
        (conf / "conf").write_text(f'send fqdn.fqdn "{d["hostname"]}";\nrequest dhcp6.name-servers, dhcp6.domain-search;\n')
        out = self.stage.run(d["id"], ["dhclient", "-6", "-1", "-d", "-cf", conf / "conf", "-lf", conf / "leases", "-pf", conf / "pid", "-sf", "/bin/true", "eth0"], timeout=6)[1]
        self.count("dhcpv6 exchanges") if "Bound" in out or "bound" in out else self.failures.update([f"dhcpv6 ({d['id']})"])

    # -- one round --------------------------------------------------------------------------------------------------

    def run(self, index, when, busy):
        """Plays the round that stands for `when`; `busy` is 0..1, the rhythm of the clinic."""
        self.index, self.when = index, when
        acts = [a for group in (self.network, self.facility, self.icu, self.hl7_feeds, self.radiology, self.offices, self.home_and_guests) for a in group(index, when, busy)]
        self.rng.shuffle(acts)
        with concurrent.futures.ThreadPoolExecutor(max_workers=12) as pool:
            for f in [pool.submit(self._safely, act) for act in acts]:
                f.result()

    def _safely(self, act):
        fn, *args = act
        try:
            fn(*args)
        except Exception as e:  # one act that fails is reported, the day goes on
            with self.lock:
                self.failures[f"{fn.__name__}: {e!r}"[:160]] += 1

    def network(self, i, when, busy):
        r, infra = self.roster, self.ip("it-srv-infra")
        for d in r.wired():
            if silent(d, when):
                continue
            if d.get("address") == "dhcp" and d["class"] != "blood-pressure-cuff" and i % 24 == self.pick(d["id"], 24):
                yield self.dhcp, d
            if "dhcpv6" in d["protocols"] and i % 16 == self.pick(d["id"] + "6", 16):
                yield self.dhcpv6, d
            if "dns" in d["protocols"] and self.pick((d["id"], i), 5) == 0:
                yield self.lookups, d
            if "ntp" in d["protocols"] and i % 6 == self.pick(d["id"] + "n", 6):
                yield self.ntp, d
        for d in r.of_class("switch"):
            yield self.snmp, d, "stb-ro", ".1.3.6.1.2.1.2.2.1.10"
            if self.pick((d["id"], i, "log"), 2):
                yield self.syslog, d, self.rng.choice(["%LINK-3-UPDOWN: Interface GigabitEthernet1/0/17, changed state to up", "%SYS-5-CONFIG_I: Configured from console by vty0", "%DOT1X-5-FAIL: Authentication failed for client on Gi1/0/22"])
        for d in r.of_class("ups"):
            yield self.snmp, d, "public", ".1.3.6.1.2.1.1"
        for d in r.of_class("printer") + [r.device("dia-water")]:
            if i % 4 == self.pick(d["id"], 4):
                yield self.snmp, d, "public", ".1.3.6.1.2.1.1"
        if i in (24, 25):  # the night's configuration backup
            for d in r.wired():
                if "ssh" in d["protocols"] and d["id"] != "it-srv-infra":
                    yield self.ssh, d

    def lookups(self, d):
        names = ["infra", "ehr", "engine", "broker", "pacs"]
        own = {"ventilator": "connect.aurelis.example", "patient-monitor": "updates.northvale.example", "medical-refrigerator": "cloud.boreas.example"}.get(d["class"])
        n = f"{names[self.pick((d['id'], self.index, 'q'), 5)]}.{self.roster.domain}"
        if d["class"] in ("server", "pacs", "lis", "integration-engine", "infusion-gateway", "worklist-server"):
            self.do(d["id"], "dns lookups", ["dig", "+short", "+tries=1", n])
            self.do(d["id"], "dns lookups", ["dig", "+short", "+tries=1", "-x", self.ip("it-srv-infra")])
        else:
            self.do(d["id"], "dns lookups", ["getent", "ahostsv4", own or n])

    def ntp(self, d):
        infra = self.ip("it-srv-infra")
        if d["id"] in SERVER_NTP:
            self.do(d["id"], "ntp exchanges", ["chronyd", "-Q", "-t", "3", "-u", "root", f"server {infra} iburst maxsamples 1", "cmdport 0", f"pidfile {self.work}/chronyd-{d['id']}.pid"], ok=(0, 1))
        else:
            self.do(d["id"], "ntp exchanges", ["rdate", "-p", "-n", "-u", infra], timeout=4)

    def snmp(self, d, community, root):
        env = {**os.environ, "MIBS": "", "SNMP_PERSISTENT_DIR": "/tmp"}
        self.do("it-srv-infra", "snmp walks", ["snmpbulkwalk", "-v2c", "-c", community, "-t", "1", "-r", "1", "-On", d["ip"], root], env=env)
        if root != ".1.3.6.1.2.1.1" and self.index % 6 == 0:
            self.do("it-srv-infra", "snmp walks", ["snmpbulkwalk", "-v2c", "-c", community, "-t", "1", "-r", "1", "-On", d["ip"], ".1.3.6.1.2.1.1"], env=env)

    def syslog(self, d, text):
        self.do(d["id"], "syslog messages", ["logger", "--server", self.ip("it-srv-infra"), "--udp", "--port", "514", "--rfc5424=notq", "-t", "ios", "-p", "local7.notice", text], private=True)

    def ssh(self, d):
        key = self.sv._dir("it-srv-infra", "ssh") / "client"
        command = "head -c 6000 /etc/services" if d["class"] == "switch" else "true"
        self.do("it-srv-infra", "ssh sessions", ["ssh", "-F", "/dev/null", "-i", key, "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "ConnectTimeout=4",
                                                  f"root@{d['ip']}", command], ok=(0, 255))

    def facility(self, i, when, busy):
        r = self.roster
        for d in r.of_class("medical-refrigerator"):
            yield self.fridge, d
            if i % 8 == self.pick(d["id"], 8):
                yield self.curl, d["id"], "http", f"http://cloud.boreas.example/v1/telemetry?unit={d['serial']}", ["-A", f"CoolKeep/{d['firmware']} (ESP32)", "-d", json.dumps({"unit": d["serial"], "t": 4.1, "door": 0})]
        for d in r.of_class("building-controller"):
            if i % 3 == self.pick(d["id"] + "b", 3):
                yield self.bacnet[d["id"]].tell,
            if i % 6 == self.pick(d["id"], 6):
                yield self.curl, "it-cart-8", "http", f"http://{d['ip']}/", ["-A", UA["windows"], "-u", "estates:plant-room-7"]
        for d in r.of_class("ups"):
            if i % 12 == 5:
                yield self.curl, "it-srv-infra", "http", f"http://{d['ip']}/", ["-A", "curl/7.88.1"]
        for d in r.of_class("camera"):
            if i % 6 == self.pick(d["id"], 6):
                yield self.curl, "it-cart-7", "https", f"https://{d['ip']}/", ["-k", "-A", UA["windows"]]
        if busy > 0.3:
            yield self.ssdp_search,
        yield self.water,

    def fridge(self, d):
        """A kept connection; each round sends a few readings."""
        if d["id"] not in self.fridges or self.fridges[d["id"]].poll() is not None:
            version = "mqttv311" if d["mqtt_version"] == "3.1.1" else "mqttv5"
            self.fridges[d["id"]] = self.sv.spawn(d["id"], "mqtt", ["mosquitto_pub", "-h", f"broker.{self.roster.domain}", "-p", "1883", "-V", version, "-i", d["mqtt_client_id"], "-u", d["mqtt_client_id"],
                                                                  "-P", "boreas-factory", "-q", "1", "-k", "3600", "-t", f"boreas/{d['serial']}/telemetry", "-l"], stdin=subprocess.PIPE)
            time.sleep(0.4)
        for n in range(10):
            line = {"t": round(3.6 + self.rng.random(), 2), "door": int(self.rng.random() < 0.1), "place": d["place"], "sw": d["firmware"], "ts": int(self.now(d["id"]).timestamp())}
            self.fridges[d["id"]].stdin.write((json.dumps(line) + "\n").encode())
            self.fridges[d["id"]].stdin.flush()
            self.count(f"mqtt PUBLISH sent by {d['id']}")
            time.sleep(0.15)

    def ssdp_search(self):
        self.do("it-cart-7", "ssdp searches", ["upnpc", "-m", "eth0", "-l"], ok=(0, 1, None), timeout=3)
        guest = self.roster.guests[self.index % len(self.roster.guests)]
        self.do(guest["id"], "ssdp searches", ["upnpc", "-m", "eth0", "-l"], ok=(0, 1, None), timeout=3)

    def water(self):
        code = ("import sys\nfrom pymodbus.client import ModbusTcpClient\nc=ModbusTcpClient(sys.argv[1],port=502,timeout=2)\nassert c.connect()\n"
                "for i in range(4):\n    assert not c.read_holding_registers(i*8,count=8,device_id=1).isError()\nc.close()\n")
        self.do("fac-bms-3", "modbus polls", [self.sv.python, "-c", code, self.ip("dia-water")], n=4)

    def curl(self, dev, what, url, options=()):
        self.do(dev, f"{what} requests", ["curl", "-s", "-m", "6", "-o", "/dev/null", *options, url])

    # -- clinical ---------------------------------------------------------------------------------------------------

    def icu(self, i, when, busy):
        yield self.pcd01,
        yield self.serial_poll,
        if i % 3 == 0:
            yield self.consumer.tell,
        for d in self.roster.of_class("ventilator", "patient-monitor"):
            if d["id"] in self.sdc:
                yield self.sdc_reports, d
                if i % 16 == self.pick(d["id"], 16):
                    site = "connect.aurelis.example" if d["class"] == "ventilator" else "updates.northvale.example"
                    yield self.curl, d["id"], "https", f"https://{site}/api", ["-k", "-A", f"{d['maker']}/{d['firmware']}", "--tls-max", "1.2" if d["class"] == "ventilator" else "1.3"]

    def sdc_reports(self, d):
        n = 1 if d["in_use"] != "yes" else 2 if "cert_cn" in d else 12
        for _ in range(n):
            self.sdc[d["id"]].tell()
            time.sleep(0.3)
        self.count("sdc metric updates", n)

    def send_hl7(self, dev, to, texts, keep=True, gap=0.02):
        got = self.hl7[dev].ask({"to": list(to), "messages": [messages.text(t) for t in texts], "keep": keep, "gap": gap})
        for t in texts[: got.get("sent", 0)]:
            f = t[0].split("|")
            self.count(f"hl7 {f[8].split('^')[0]}^{f[8].split('^')[1]} from {dev}")
        self.count("hl7 ACK", got.get("acked", 0))
        if got.get("acked", 0) != len(texts):
            self.failures.update([f"hl7 unacknowledged ({dev})"])

    def pcd01(self):
        for _ in range(14):
            when = self.now("icu-gateway")
            texts = [messages.pump(d, patients.ICU.get(d["bed"]) if d["in_use"] == "yes" else None, when, self.wobble()) for d in self.roster.of_class("infusion-pump") if d["in_use"] == "yes" or self.rng.random() < 0.2]
            self.send_hl7("icu-gateway", self.engine_ports["icu-gateway"], texts, gap=0.005)
            time.sleep(0.2)

    def serial_poll(self):
        ask = "".join(f"\x1b{c}{(0x1b + ord(c)) & 0xFF:02X}\r" for c in "QR$)'$$")
        self.do("icu-gateway", "serial polls", ["socat", "-t", "1", "STDIO", f"TCP:{self.ip('icu-serial-box')}:4001,nodelay"], stdin=ask, timeout=5)

    def hl7_feeds(self, i, when, busy):
        eng = (self.ip("lab-engine"), 2575)
        people = patients.PATIENTS
        for _ in range(round(1 + 4 * busy)):
            yield self.adt, self.rng.choice(["A01", "A08", "A08", "A03", "A04"]), self.rng.choice(people)
        for _ in range(round(1 + 6 * busy)):
            yield self.lab, self.rng.choice(people)
        for d in self.roster.of_class("dialysis-machine"):
            if busy > 0.3:
                yield self.dialysis, d, 6 if d["in_use"] == "yes" else 1, eng
        yield self.ed_monitor, eng
        if i % 6 == 2:
            yield self.ecg,

    def adt(self, event, p):
        unit, bed = self.rng.choice([("ICU", "3"), ("ED", "1"), ("RENAL", "2"), ("WARD4", "11"), ("WARD2", "7")])
        when = self.now("lab-engine")
        self.send_hl7("it-srv-ehr", (self.ip("lab-engine"), 2575), [messages.adt(event, p, unit, bed, when)])

    def lab(self, p):
        """An order down to the laboratory, and after a while a result up: engine, then the health record."""
        with self.lock:
            self.lab_number += 1
            n = self.lab_number
        unit = self.rng.choice(["ICU", "ED", "WARD4", "OPD"])
        self.send_hl7("lab-engine", (self.ip("lab-lis"), 2576), [messages.order(p, unit, "24323-8", "Chemistry panel", self.now("lab-lis"), "LABLINK", n)])
        result = messages.lab_result(p, unit, self.now("lab-lis"), n, self.wobble())
        self.send_hl7("lab-lis", self.engine_ports["lab-lis"], [result])
        relayed = [result[0].replace("|JUNCTION|", "|WILLOWEHR|", 1)] + result[1:]
        self.send_hl7("lab-engine", (self.ip("it-srv-ehr"), 2575), [relayed], keep=False)

    def dialysis(self, d, n, eng):
        station = int(d["id"][-1])
        for _ in range(n):
            self.send_hl7(d["id"], eng, [messages.dialysis(d, patients.DIALYSIS.get(station), station, self.now(d["id"]), self.wobble())])
            time.sleep(0.3)

    def ed_monitor(self, eng):
        d = self.roster.device("ed-monitor")
        for _ in range(16):
            self.send_hl7("ed-monitor", eng, [messages.vitals(d, patients.EMERGENCY, self.now("ed-monitor"), self.wobble())])
            time.sleep(0.25)

    def ecg(self):
        p, when = self.rng.choice(patients.PATIENTS), self.now("ed-ecg")
        f = self.work / f"ecg-{self.index}.xml"
        samples = " ".join(str((k * 37) % 199 - 90) for k in range(900))
        f.write_text(f"<ecg device=\"Cardine E12\" serial=\"CE12-6604\" sw=\"1.8.2\"><patient id=\"{p['mrn']}\" name=\"{p['given']} {p['family']}\" born=\"{p['born']}\"/><lead id=\"II\">{samples}</lead></ecg>\n")
        self.do("ed-ecg", "ftp uploads", ["curl", "-s", "-m", "6", "-T", f, f"ftp://ecg:ecg12@{self.ip('ed-ecg-server')}/E12-{when:%Y%m%d-%H%M%S}.xml"])
        self.send_hl7("ed-ecg-server", self.engine_ports["ed-ecg-server"], [messages.ecg_result(p, self.now("ed-ecg-server"), f"E{self.index}")])

    # -- imaging ----------------------------------------------------------------------------------------------------

    def radiology(self, i, when, busy):
        if self.rng.random() < 0.25 + busy:
            yield self.exam, "rad-ct", "CT", 12, "CT chest"
        if self.rng.random() < busy:
            yield self.exam, "rad-us-1", "US", 3, "US abdomen"
        if self.rng.random() < busy:
            yield self.exam, "rad-us-2", "US", 3, "US renal tract"
        if self.rng.random() < busy * 0.7:
            yield self.mr_exam,
        if i % 4 == 0:
            yield self.echoes,
        if busy > 0.2:
            yield self.read_dcmtk,
            yield self.read_pynetdicom,

    def tool(self, dev, what, version, name, *args, n=1, ok=(0,)):
        return self.do(dev, what, [*self.sv.dcmtk.command(version, name), *args], env=self.sv.dcmtk.env(version), n=n, ok=ok, timeout=25)

    def exam(self, dev, modality, slices, text):
        """Worklist query, begin (MPPS), images to the PACS, end (MPPS)."""
        d, p, when = self.roster.device(dev), self.rng.choice(patients.PATIENTS), self.now(dev)
        with self.lock:
            self.accession += 1
            accession = f"RA{self.accession}"
        uid, files = images.study(self.work / "studies" / accession, d, p, modality, when, accession, slices, text)
        self.book(dev, d, p, modality, when, accession, text, uid)
        pacs, wl, mpps = (self.ip("rad-pacs"), 104, "STB_PACS"), (self.ip("rad-worklist"), 104, "STB_WORKLIST"), [self.ip("rad-worklist"), 11113, "STB_WORKLIST"]
        old = dev != "rad-us-2"
        if old:
            self.tool(dev, "dicom C-FIND worklist", "3.6.5", "findscu", "-W", "-aet", d["ae_title"], "-aec", wl[2], "-k", "PatientName", "-k", "PatientID", "-k", "AccessionNumber", "-k", "StudyInstanceUID",
                      "-k", f"ScheduledProcedureStepSequence[0].Modality={modality}", "-k", f"ScheduledProcedureStepSequence[0].ScheduledStationAETitle={d['ae_title']}", wl[0], str(wl[1]))
        else:
            self.count("dicom C-FIND worklist", 1 if self.dicom[dev].ask({"do": "worklist", "to": wl, "modality": modality}).get("done") is not None else 0)
        got = self.dicom[dev].ask({"do": "step", "to": mpps, "patient": p, "modality": modality, "when": when.isoformat(), "study": uid, "accession": accession, "text": text,
                                   "station": d["station_name"], "location": d["place"]})
        self.count("dicom MPPS N-CREATE and N-SET", got.get("done", 0))
        if old:
            self.tool(dev, f"dicom C-STORE from {dev}", "3.6.5", "storescu", "-aet", d["ae_title"], "-aec", pacs[2], pacs[0], str(pacs[1]), *files, n=len(files))
        else:
            self.count(f"dicom C-STORE from {dev}", self.dicom[dev].ask({"do": "store", "to": pacs, "files": files}).get("done", 0))
        with self.lock:
            self.studies.append((uid, p["family"]))

    def book(self, dev, d, p, modality, when, accession, text, uid):
        """The imaging order reaches the worklist server; old entries make room."""
        folder = self.sv._dir("rad-worklist", "wl") / "STB_WORKLIST"
        folder.mkdir(exist_ok=True)
        (folder / "lockfile").touch()
        items = sorted(folder.glob("*.wl"), key=lambda f: f.stat().st_mtime)
        for f in items[:-5]:
            f.unlink(missing_ok=True)
        images.worklist_item(folder / f"{accession}.wl", p, modality, d["ae_title"], when, accession, text, uid)
        self.send_hl7("lab-engine", (self.ip("rad-worklist"), 2577), [messages.order(p, "OPD", accession, text, self.now("rad-worklist"), "FOYER", accession)])

    def mr_exam(self):
        d, p, when = self.roster.device("rad-mr"), self.rng.choice(patients.PATIENTS), self.now("rad-mr")
        with self.lock:
            self.accession += 1
            accession = f"RA{self.accession}"
        pem = self.sv.ca.folder / "rad-mr"
        _, files = images.study(self.work / "studies" / accession, d, p, "MR", when, accession, 4, "MR brain")
        tls = ["+tls", pem / "userkey.pem", pem / "usercert.pem", "+cf", pem / "cacert.pem"]
        self.tool("rad-mr", "dicom C-STORE over TLS from rad-mr", "3.6.9", "storescu", *tls, "-aet", d["ae_title"], "-aec", "STB_PACS", self.ip("rad-pacs"), "2762", *files, n=len(files))

    def echoes(self):
        pacs = self.ip("rad-pacs")
        self.tool("rad-ct", "dicom C-ECHO", "3.6.5", "echoscu", "-aet", "STB_CT1", "-aec", "STB_PACS", pacs, "104")
        self.tool("rad-us-1", "dicom C-ECHO", "3.6.5", "echoscu", "-aet", "STB_US1", "-aec", "STB_PACS", pacs, "104")
        self.tool("rad-ws-1", "dicom C-ECHO", "3.6.7", "echoscu", "-aet", "STB_WS1", "-aec", "STB_PACS", pacs, "104")
        self.count("dicom C-ECHO", self.dicom["rad-us-2"].ask({"do": "echo", "to": [pacs, 104, "STB_PACS"]}).get("done", 0))

    def read_dcmtk(self):
        """A reader at workstation 1: finds a study by name, moves it to the workstation, looks at the PACS page."""
        if not self.studies:
            return
        uid, family = self.rng.choice(self.studies[-12:])
        pacs = self.ip("rad-pacs")
        self.tool("rad-ws-1", "dicom C-FIND study", "3.6.7", "findscu", "-S", "-aet", "STB_WS1", "-aec", "STB_PACS", "-k", "QueryRetrieveLevel=STUDY", "-k", f"PatientName={family}*", "-k", "PatientID", "-k", "StudyInstanceUID", "-k", "StudyDate", pacs, "104")
        self.tool("rad-ws-1", "dicom C-MOVE", "3.6.7", "movescu", "-S", "-aet", "STB_WS1", "-aec", "STB_PACS", "-aem", "STB_WS1", "-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={uid}", pacs, "104")
        self.curl("rad-ws-1", "http", f"http://{pacs}:8042/dicom-web/studies?PatientName={family}*", ["-A", UA["windows"], "-u", "reporting:Chestnut-41", "-H", "Accept: application/dicom+json"])

    def read_pynetdicom(self):
        if not self.studies:
            return
        uid, family = self.rng.choice(self.studies[-12:])
        pacs = [self.ip("rad-pacs"), 104, "STB_PACS"]
        self.dicom["rad-ws-2"].ask({"do": "find", "to": pacs, "patient": f"{family}*"})
        moved = self.dicom["rad-ws-2"].ask({"do": "move", "to": pacs, "study": uid, "dest": "STB_WS2"})
        self.count("dicom C-FIND study")
        self.count("dicom C-MOVE")
        self.count("dicom C-STORE by C-MOVE to rad-ws-2", moved.get("done", 0))

    # -- offices, homes, guests -------------------------------------------------------------------------------------

    def offices(self, i, when, busy):
        r = self.roster
        for d in r.of_class("clinical-workstation"):
            if self.rng.random() < 0.15 + 0.6 * busy:
                yield self.cart, d
        for d in r.of_class("sip-phone"):
            if i % 8 == self.pick(d["id"], 8):
                yield self.curl, d["id"], "http", f"http://infra.{r.domain}/phones/{d['mac'].replace(':', '')}.cfg", ["-A", f"Yealink SIP-T46U {d['firmware']} {d['mac']}"]
            if i % 4 == self.pick(d["id"], 4):
                yield self.sip, d
        if i % 12 == 7:
            yield self.pages,
        if i % 8 == 1:
            yield self.lab_share,
            yield self.glucodock,
        if i % 6 == 3:
            yield self.names,
        if busy > 0.3:
            yield self.label, i

    def cart(self, d):
        ehr = f"ehr.{self.roster.domain}"
        modern = [] if d["id"] not in ("it-cart-2", "it-cart-5") else ["--tls-max", "1.2"]
        self.curl(d["id"], "https", f"https://{ehr}/", ["-k", "-A", UA["windows"], *modern, "-o", "/dev/null", f"https://{ehr}/api"])
        if self.rng.random() < 0.35:
            conf = self.sv._dir(d["id"], "samba") / "conf"
            note = self.work / f"{d['id']}.txt"
            note.write_text(f"handover {d['unit']} round {self.index}\n" + "bed list\n" * 40)
            self.do(d["id"], "smb sessions", ["smbclient", "-s", conf, "-N", f"//{self.ip('it-srv-ehr')}/results", "-c", f"put {note} {d['id']}.txt; dir; get {d['id']}.txt /dev/null"], private=True, timeout=12)
        if "llmnr" in d["protocols"] and self.rng.random() < 0.3:
            self.stage.run(d["id"], ["llmnr-query", "-c", "1", "-T", "A", "-I", "eth0", f"STB-WOW-0{self.rng.randint(1, 8)}"], timeout=3)
            self.count("llmnr queries")

    def names(self):
        """NetBIOS look-ups and an mDNS browse, as an office PC does."""
        conf = self.sv._dir("it-cart-1", "samba") / "conf"
        for n in ("EHR", "STB-WOW-02", "STBRANNOC#1d"):
            self.do("it-cart-1", "nbns queries", ["nmblookup", "-s", conf, n], ok=(0, 1), timeout=6, private=True)
        self.stage.run("rad-ct", ["nmblookup", "-s", self.sv._dir("rad-ct", "samba") / "conf", "RAD-WS1"], timeout=6, private=True)
        for t in ("_ipp._tcp", "_pdl-datastream._tcp"):
            self.do("it-cart-2", "mdns queries", ["dig", "+tries=1", "+time=1", "-p", "5353", "@224.0.0.251", f"{t}.local", "PTR"], ok=(0, 9), timeout=4)

    def lab_share(self):
        conf = self.sv._dir("lab-an-1", "samba") / "conf"
        f = self.work / "qc.csv"
        f.write_text("run,level,value\n" + "".join(f"{k},L{k % 3},{100 + k}\n" for k in range(60)))
        self.do("lab-an-1", "smb1 sessions", ["smbclient", "-s", conf, "-N", "-m", "NT1", "--option=client max protocol=NT1", f"//{self.ip('it-srv-ehr')}/results", "-c", f"put {f} qc.csv"], private=True, timeout=12)

    def pages(self):
        """Web pages of devices that someone looks at now and then."""
        for dev, url in (("it-cart-1", f"https://{self.ip('icu-gateway')}/"), ("it-cart-3", f"http://{self.ip('ed-monitor')}/"), ("it-cart-3", f"http://{self.ip('ed-ecg-server')}/"),
                         ("it-cart-8", f"http://{self.ip('dia-water')}/"), ("it-cart-2", f"http://{self.ip('it-prn-1')}/"), ("it-srv-infra", f"http://{self.ip('it-phone-4')}/")):
            self.curl(dev, url.split(":")[0], url, ["-k", "-A", UA["windows"]])

    def glucodock(self):
        self.do("lab-lis", "https requests", ["curl", "-s", "-k", "-m", "6", "-o", "/dev/null", "-A", "LabLink/11.2", f"https://{self.ip('lab-poct')}/"])
        self.curl("lab-lis", "http", f"http://{self.ip('lab-an-2')}/", ["-A", "LabLink/11.2"])

    def sip(self, d):
        number, registrar = f"sip:{d['extension']}@{self.roster.domain}", ["-H", d["ip"], "-i"]
        self.do(d["id"], "sip REGISTER", ["sipsak", "-U", "-C", f"sip:{d['extension']}@{d['ip']}", "-x", "3600", "-s", number, *registrar], timeout=4)
        self.do(d["id"], "sip OPTIONS", ["sipsak", "-s", number, *registrar], timeout=4)

    def label(self, i):
        """A wristband label with the patient's name, in clear to the printer."""
        p, prn = self.rng.choice(patients.PATIENTS), self.roster.of_class("printer")[i % 4]
        text = f"^XA^FO30,30^A0N,40^FD{p['family'].upper()}, {p['given']}^FS^FO30,80^FD{p['mrn']} b.{p['born']}^FS^XZ\n" if prn["maker"] == "Zebra" else f"\x1b%-12345X@PJL JOB NAME=\"wristband {p['mrn']}\"\r\n@PJL ENTER LANGUAGE=PCL\r\n{p['family']}, {p['given']}  {p['street']}\f\x1b%-12345X@PJL EOJ\r\n"
        self.do(f"it-cart-{1 + i % 4}", "raw print jobs", ["socat", "-u", "STDIO", f"TCP:{prn['ip']}:9100"], stdin=text)

    def home_and_guests(self, i, when, busy):
        r = self.roster
        for d in r.of_class("blood-pressure-cuff"):
            last = "silent_from" in d and i == LAST_WORD
            if last or not silent(d, when) and i % 4 == self.pick(d["id"], 4):
                yield self.cuff, d
        for k, g in enumerate(r.guests):
            if 8 <= when.hour < 20 and i % 5 == k:
                yield self.guest, g

    def cuff(self, d):
        self.dhcp(d)
        env = dict(os.environ)
        args = ["-h", f"broker.{self.roster.domain}", "-i", d["mqtt_client_id"], "-V", "mqttv5", "-q", "1", "-t", f"tern/{d['serial']}/bp", "--repeat", "4", "--repeat-delay", "0.5"]
        if d["tls"] == "none":
            args += ["-p", "1883", "-u", d["serial"], "-P", "tern-field"]
        else:
            pem = self.sv.ca.folder / d["id"]
            args += ["-p", "8883", "--cafile", pem / "cacert.pem", "--cert", pem / "usercert.pem", "--key", pem / "userkey.pem"]
            if d["tls"] == "1.2":  # mosquitto_pub only sets a minimum; the library's own configuration sets the maximum
                env["OPENSSL_CONF"] = str(self.sv._file(d["id"], "openssl", "openssl_conf = o\n[o]\nssl_conf = s\n[s]\nsystem_default = d\n[d]\nMaxProtocol = TLSv1.2\n"))
        body = {"serial": d["serial"], "sw": d["firmware"], "sys": 118 + self.rng.randint(0, 30), "dia": 70 + self.rng.randint(0, 20), "pulse": 60 + self.rng.randint(0, 30), "ts": int(self.now(d["id"]).timestamp())}
        self.do(d["id"], f"mqtt PUBLISH sent by {d['id']}", ["mosquitto_pub", *args, "-m", json.dumps(body)], n=4, timeout=10, env=env)

    def guest(self, g):
        self.dhcp(g)
        ua = UA[g["dhcp"]]
        self.curl(g["id"], "https", f"https://{('www.news.example', 'cdn.video.example')[self.index % 2]}/", ["-k", "-A", ua])
        self.curl(g["id"], "http", "http://www.news.example/generate_204", ["-A", ua])
