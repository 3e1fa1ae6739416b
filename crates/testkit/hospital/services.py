"""Servers of the hospital: configuration files and start-up, one function per service. All software is unmodified."""

import json
import os
import pathlib
import subprocess

HTTP_SERVERS = {  # device class or id -> Server header, page title
    "ups": ("Network Management Card/6.9", "Smart-UPS 3000"), "printer": ("HP HTTP Server; LaserJet", "Printer"), "building-controller": ("AC-42/3.7", "Airfield Controls AC-42"),
    "icu-serial-box": ("MoxaHttp/1.0", "NPort Web Console"), "dia-water": ("Lymn RO/1.4", "RO-2000"), "lab-an-2": ("XPort/2", "Device Server"),
    "ed-monitor": ("LumoWeb/0.9", "LM-8"), "ed-ecg-server": ("Trace/4.0", "Trace Server"), "it-srv-infra": ("lighttpd/1.4.69", "provisioning"), "sip-phone": ("T46U/108.86", "Yealink T46U"),
}
KAMAILIO = """#!KAMAILIO
children=1
auto_aliases=no
listen=udp:{ip}:5060
disable_tcp=yes
log_stderror=yes
server_header="Server: stb-registrar (Kamailio)"
mpath="/usr/lib/x86_64-linux-gnu/kamailio/modules"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "maxfwd.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
request_route {{
    if (is_method("REGISTER")) {{ save("location"); exit; }}
    sl_send_reply("200", "OK");
}}
"""


class Services:
    """Starts services on a stage. `work` holds every configuration file and log."""

    def __init__(self, stage, roster, work, python, ca, dcmtk):
        self.stage, self.roster, self.work, self.python, self.ca, self.dcmtk = stage, roster, pathlib.Path(work), python, ca, dcmtk
        self.logs = self.work / "logs"
        self.logs.mkdir(parents=True, exist_ok=True)

    def _dir(self, dev, what):
        d = self.work / "etc" / dev / what
        d.mkdir(parents=True, exist_ok=True)
        return d

    def _file(self, dev, what, text):
        f = self._dir(dev, what) / "conf"
        f.write_text(text)
        return f

    def _log(self, dev, what):
        return self.logs / f"{dev}.{what}.log"

    def spawn(self, dev, what, argv, **kw):
        return self.stage.spawn(dev, argv, log=self._log(dev, what), **kw)

    def start_all(self):
        """Everything that listens, in an order that lets clients find what they need."""
        self.dhcp()
        self.dns()
        self.ntp()
        self.lldp()
        self.snmp()
        self.web()
        self.tls_sites()
        self.ssh()
        self.smb()
        self.discovery()
        self.mqtt()
        self.dicom()
        self.small_things()

    # -- addresses and names ----------------------------------------------------------------------------------------

    def dhcp(self):
        r, infra = self.roster, self.roster.ip("it-srv-infra")
        lines = ["authoritative;", "default-lease-time 43200;", "max-lease-time 86400;", f'option domain-name "{r.domain}";', f"option domain-name-servers {infra};",
                 f"option ntp-servers {infra};", "option time-offset 0;", "ping-check false;", "stash-agent-options true;",
                 "option tftp-server code 66 = text;", "option capwap code 138 = ip-address;", "ddns-update-style none;"]
        for v in r.vlans:
            net = v["subnet"].split("/")[0]
            pool = f" range {net[:-1]}200 {net[:-1]}220;" if v["id"] == 80 else ""
            extra = f' option tftp-server "http://infra.{r.domain}/phones";' if v["id"] == 70 else ""
            if v["mirrored"]:
                lines.append(f"subnet {net} netmask 255.255.255.0 {{ option routers {v['gateway']}; option broadcast-address {net[:-1]}255;{extra}{pool} }}")
        for d in r.with_interface():
            if d.get("address") == "dhcp" or d["id"].startswith("guest"):
                lines.append(f"host {d['id']} {{ hardware ethernet {d['mac']}; fixed-address {d['ip']}; }}")
        conf = self._file("it-srv-infra", "dhcpd", "\n".join(lines) + "\n")
        leases = conf.with_name("leases")
        leases.touch()
        for f in (conf.parent, conf, leases):
            os.chmod(f, 0o777)
        self.spawn("it-srv-infra", "dhcpd", ["dhcpd", "-4", "-f", "-d", "-cf", conf, "-lf", leases, "-user", "root", "-group", "root", "--no-pid", "eth0"])
        down = [a for v in r.vlans if v["mirrored"] and v["id"] not in (90,) for a in ("-id", f"vlan{v['id']}")]
        self.spawn("it-switch-core", "dhcrelay", ["dhcrelay", "-4", "-d", "--no-pid", "-a", "-m", "replace", *down, "-iu", "vlan90", infra])
        ra = self._file("it-switch-core", "radvd", f"port=0\nenable-ra\ninterface=vlan70\nbind-interfaces\ndhcp-range=fd20:0:0:70::1000,fd20:0:0:70::10ff,64,12h\n"
                        f"dhcp-option=option6:dns-server,[fd20:0:0:70::1]\ndhcp-option=option6:domain-search,{r.domain}\nra-param=vlan70,600,1800\ndhcp-authoritative\n"
                        f"dhcp-leasefile={self._dir('it-switch-core', 'radvd')}/leases\n")
        self.spawn("it-switch-core", "dhcpv6", ["dnsmasq", "-k", "-C", ra, "--user=root", "--pid-file=", "--log-facility=-"])

    def dns(self):
        r = self.roster
        lines = ["no-resolv", "no-hosts", f"local=/{r.domain}/", "local=/10.in-addr.arpa/", f"domain={r.domain}", "bind-interfaces", "interface=eth0", "no-poll", "cache-size=0", "local-ttl=300"]
        lines += [f"host-record={r.fqdn(d)},{d['ip']}" for d in r.wired() if r.fqdn(d)]
        lines += [f"host-record={p['name']},{p['stand_in']}" for p in r.peers]
        lines += [f"host-record={r.domain},{r.ip('it-srv-infra')}"]  # the SIP domain
        lines += ["address=/#/"]
        self.spawn("it-srv-infra", "dns", ["dnsmasq", "-k", "-C", self._file("it-srv-infra", "dns", "\n".join(lines) + "\n"), "--user=root", "--pid-file=", "--log-facility=-"])

    def ntp(self):
        up = next(p for p in self.roster.peers if p["name"].startswith("time."))["stand_in"]
        d = self._dir("it-srv-infra", "chrony")
        conf = self._file("it-srv-infra", "chrony", f"server {up} iburst minpoll 4 maxpoll 4\nallow 10.20.0.0/16\nlocal stratum 3\ndriftfile {d}/drift\nbindcmdaddress /\ncmdport 0\npidfile {d}/pid\n")
        self.spawn("it-srv-infra", "chrony", ["chronyd", "-x", "-d", "-u", "root", "-f", conf])
        o = self.work / "etc" / "outside"
        o.mkdir(parents=True, exist_ok=True)
        (o / "chrony.conf").write_text(f"local stratum 1\nallow all\ndriftfile {o}/drift\ncmdport 0\nbindcmdaddress /\npidfile {o}/pid\nbindaddress {up}\n")
        self.stage.spawn_outside(["chronyd", "-x", "-d", "-u", "root", "-f", o / "chrony.conf"], log=self.logs / "outside.chrony.log")

    # -- infrastructure ---------------------------------------------------------------------------------------------

    def lldp(self):
        for d in self.roster.of_class("switch"):
            iface = "vlan70" if d["id"] == "it-switch-core" else "eth0"
            text = f"Cisco IOS Software [Cupertino], Catalyst L3 Switch Software (CAT9K_IOSXE), Version {d['firmware']}"
            self._lldpd(d, ["-ccc", "-I", iface, "-S", text, "-P", f"cisco {d['model']}"], "")
        for d in self.roster.of_class("sip-phone"):
            inventory = (f"configure med fast-start enable\nconfigure inventory hardware-revision 108.0\nconfigure inventory software-revision {d['firmware']}\nconfigure inventory serial-number {d['serial']}\n"
                         f"configure inventory manufacturer Yealink\nconfigure inventory model {d['model']}\nconfigure inventory firmware-revision {d['firmware']}\n")
            self._lldpd(d, ["-M", "3", "-I", "eth0", "-S", f"Yealink {d['model']} {d['firmware']}"], inventory)

    def _lldpd(self, d, options, extra):
        folder = self._dir(d["id"], "lldpd")
        conf = self._file(d["id"], "lldpd", f"configure lldp tx-interval 8\nconfigure system hostname {d['hostname']}\n" + extra)
        self.spawn(d["id"], "lldpd", ["lldpd", "-d", "-u", folder / "sock", "-O", conf, *options], private=True)

    def snmp(self):
        for d in self.roster.of_class("switch", "ups", "printer") + [self.roster.device("dia-water")]:
            oid, text = {
                "switch": (".1.3.6.1.4.1.9.1.2494", f"Cisco IOS Software [Cupertino], Catalyst L3 Switch Software (CAT9K_IOSXE), Version {d['firmware']}, RELEASE SOFTWARE (fc1)"),
                "ups": (".1.3.6.1.4.1.318.1.3.27", f"APC Web/SNMP Management Card (MB:v4.3.3 PF:v6.9.6 PN:apc_hw05_aos_696.bin AF1:v6.9.6 AN1:apc_hw05_sumx_696.bin MN:AP9631 HR:05 SN:{d['serial']} MD:02/14/2019)"),
                "printer": (".1.3.6.1.4.1.11.2.3.9.1", f"HP ETHERNET MULTI-ENVIRONMENT,ROM none,JETDIRECT,JD153,EEPROM {d['firmware']},CIDATE 02/11/2025") if d["maker"] == "HP"
                else (".1.3.6.1.4.1.10642.1.1", f"Zebra Wired PS; {d['model']}-203dpi ZPL; {d['firmware']}"),
                "water-treatment": (".1.3.6.1.4.1.13576.1", f"Lymn {d['model']} water treatment controller {d['firmware']} S/N {d['serial']}"),
            }[d["class"]]
            community = "public" if d["class"] in ("ups", "water-treatment", "printer") else "stb-ro"
            conf = self._file(d["id"], "snmpd", f"view all included .1.3.6.1.2.1.1\nview all included .1.3.6.1.2.1.2\nrocommunity {community} default -V all\nsysDescr {text}\nsysObjectID {oid}\n"
                              f"sysName {d['hostname']}\nsysLocation {d['place']}\nsysContact estates@{self.roster.domain}\nsysServices 72\nagentAddress udp:161\n")
            env = {**os.environ, "SNMP_PERSISTENT_DIR": str(self._dir(d["id"], "snmpd")), "MIBS": ""}
            self.spawn(d["id"], "snmpd", ["snmpd", "-f", "-Lo", "-C", "-c", conf, "-I", "-smux,mteTrigger"], env=env)

    def web(self):
        for d in self.roster.wired():
            key = d["id"] if d["id"] in HTTP_SERVERS else d["class"]
            if key not in HTTP_SERVERS:
                continue
            tag, title = HTTP_SERVERS[key]
            if d["class"] == "printer":
                tag = f"HP HTTP Server; HP LaserJet M507 - {d['model']}; Serial Number: {d['serial']}; Built: 2025-02-11 {{{d['firmware']}}}" if d["maker"] == "HP" else "ZebraNet"
            root = self._dir(d["id"], "www")
            (root / "index.html").write_text(f"<html><head><title>{title}</title></head><body><h1>{d['maker']} {d['model']}</h1><p>Serial {d['serial']}, software {d['firmware']}</p></body></html>\n")
            (root / "phones").mkdir(exist_ok=True)
            for p in self.roster.of_class("sip-phone"):
                (root / "phones" / f"{p['mac'].replace(':', '')}.cfg").write_text(f"#!version:1.0.0.1\naccount.1.enable = 1\naccount.1.label = {p['extension']}\naccount.1.sip_server.1.address = infra.{self.roster.domain}\n")
            for f in root.rglob("*"):
                os.utime(f, (1760000000, 1760000000))
            auth = ""
            if d["class"] == "building-controller":
                users = self._file(d["id"], "users", "estates:plant-room-7\n")
                auth = ('server.modules += ("mod_auth", "mod_authn_file")\nauth.backend = "plain"\n' + f'auth.backend.plain.userfile = "{users}"\n'
                        'auth.require = ("/" => ("method" => "basic", "realm" => "AC-42", "require" => "valid-user"))\n')
            conf = self._file(d["id"], "lighttpd", f'server.document-root = "{root}"\nserver.port = 80\nserver.tag = "{tag}"\nindex-file.names = ("index.html")\nmimetype.assign = (".html" => "text/html", ".cfg" => "text/plain")\n' + auth)
            self.spawn(d["id"], "http", ["lighttpd", "-D", "-f", conf])

    def tls_sites(self):
        """nginx: the health record, the gateway's console, cameras, the glucose dock (an expired certificate), and the outside sites."""
        for id in ["it-srv-ehr", "icu-gateway", "lab-poct"] + [d["id"] for d in self.roster.of_class("camera")]:
            d = self.roster.device(id)
            pem = self.ca.issue(id, d.get("cert_cn", f"{d['hostname'].lower()}.{self.roster.domain}"), org=d["maker"] if id == "lab-poct" else None, expired=id == "lab-poct", use_rsa=d["class"] in ("camera", "poct-dock"))
            protocols = {"it-srv-ehr": "TLSv1.2 TLSv1.3", "icu-gateway": "TLSv1.3"}.get(id, "TLSv1.2")
            plain = "server { listen 80; location / { return 200 'ok'; } }" if d["class"] == "camera" else ""
            self.nginx(id, pem, protocols, plain, spawn=lambda argv, id=id: self.spawn(id, "nginx", argv, private=True))
        pem = self.ca.issue("outside", "edge.example", sans=[p["name"] for p in self.roster.peers])
        self.nginx("outside", pem, "TLSv1.2 TLSv1.3", "server { listen 80; location / { return 200 'accepted'; } }", spawn=lambda argv: self.stage.spawn_outside(argv, log=self.logs / "outside.nginx.log"))

    def nginx(self, id, pem, protocols, plain, spawn):
        d = self._dir(id, "nginx")
        for n in ("temp", "www"):
            (d / n).mkdir(exist_ok=True)
        (d / "www" / "index.html").write_text("<html><body>" + "x" * 700 + "</body></html>\n")
        temp = "".join(f"{k}_temp_path {d}/temp/{k};" for k in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        conf = self._file(id, "nginx", f"daemon off; pid {d}/pid; error_log {d}/error.log; worker_processes 1; user root;\nevents {{ worker_connections 64; }}\nhttp {{ access_log off; {temp}\n"
                          f"server {{ listen 443 ssl; ssl_certificate {pem}/usercert.pem; ssl_certificate_key {pem}/userkey.pem; ssl_protocols {protocols}; root {d}/www;\n"
                          f"location /api {{ return 200 '{{\"ok\":true}}'; }} }}\n{plain} }}\n")
        spawn(["nginx", "-c", conf, "-p", d, "-e", d / "error.log"])

    def ssh(self):
        key = self._dir("it-srv-infra", "ssh") / "client"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "backup@infra", "-f", key], check=True)
        for d in self.roster.wired():
            if "ssh" not in d["protocols"]:
                continue
            folder = self._dir(d["id"], "sshd")
            if d["class"] == "building-controller":
                subprocess.run(["dropbearkey", "-t", "ecdsa", "-f", folder / "key"], check=True, capture_output=True)
                self.spawn(d["id"], "dropbear", ["dropbear", "-F", "-E", "-r", folder / "key", "-p", "22", "-P", folder / "pid"], private=True)
                continue
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", d["id"], "-f", folder / "key"], check=True)
            (folder / "authorized").write_bytes(key.with_suffix(".pub").read_bytes())
            conf = self._file(d["id"], "sshd", f"Port 22\nHostKey {folder}/key\nAuthorizedKeysFile {folder}/authorized\nStrictModes no\nUsePAM no\nPermitRootLogin yes\nPasswordAuthentication no\nPidFile none\nPrintMotd no\n")
            self.spawn(d["id"], "sshd", ["/usr/sbin/sshd", "-D", "-e", "-f", conf], private=True)

    # -- Windows-like and discovery ---------------------------------------------------------------------------------

    def samba_conf(self, d, share=False):
        f = self._dir(d["id"], "samba")
        dirs = "".join(f"{k} = {f}\n" for k in ("private dir", "lock directory", "state directory", "cache directory", "pid directory", "ncalrpc dir", "usershare path"))
        name = d["hostname"].split(".")[0][:15]
        text = (f"[global]\nworkgroup = STBRANNOC\nnetbios name = {name}\nserver string = {d['name']}\n{dirs}interfaces = eth0\nbind interfaces only = yes\nserver min protocol = NT1\nclient min protocol = NT1\n"
                f"lanman auth = no\nntlm auth = yes\nmap to guest = Bad User\nguest account = root\nlog file = {f}/log.%m\nmax log size = 200\nload printers = no\nprinting = bsd\nprintcap name = /dev/null\ndisable spoolss = yes\n"
                f"preferred master = {'yes' if share else 'no'}\nlocal master = {'yes' if share else 'no'}\nserver role = standalone server\n")
        if share:
            (f / "share").mkdir(exist_ok=True)
            os.chmod(f / "share", 0o777)
            text += f"[results]\npath = {f}/share\nguest ok = yes\nread only = no\nforce user = root\n"
        return self._file(d["id"], "samba", text)

    def smb(self):
        ehr = self.roster.device("it-srv-ehr")
        conf = self.samba_conf(ehr, share=True)
        self.spawn("it-srv-ehr", "smbd", ["smbd", "--foreground", "--no-process-group", "--debug-stdout", "-s", conf], private=True)
        for d in self.roster.wired():
            if "nbns" in d["protocols"] and d["id"] not in ("it-cart-5", "it-cart-6", "it-cart-7", "it-cart-8", "rad-ct"):
                self.spawn(d["id"], "nmbd", ["nmbd", "--foreground", "--no-process-group", "--debug-stdout", "-s", self.samba_conf(d, d["id"] == "it-srv-ehr")], private=True)
            else:
                if "smb" in d["protocols"] or "smb1" in d["protocols"] or "nbns" in d["protocols"]:
                    self.samba_conf(d)

    def discovery(self):
        r = self.roster
        for d in r.of_class("printer", "camera"):
            services = self._dir(d["id"], "avahi-services")
            if d["class"] == "printer":
                kinds = [("_ipp._tcp", 631, [f"ty={d['maker']} {d['model']}", f"product=({d['maker']} {d['model']})", f"note={d['place']}", "pdl=application/postscript,application/vnd.hp-PCL", "rp=ipp/print",
                                             f"usb_MFG={d['maker']}", f"usb_MDL={d['model']}"]), ("_pdl-datastream._tcp", 9100, [f"ty={d['maker']} {d['model']}"]), ("_http._tcp", 80, [])]
            else:
                kinds = [("_axis-video._tcp", 80, [f"macaddress={d['serial']}"]), ("_rtsp._tcp", 554, ["path=axis-media/media.amp"]), ("_http._tcp", 80, [])]
            label = f"{d['maker']} {d['model']} [{d['serial'][-6:]}]"
            body = "".join(f"<service><type>{t}</type><port>{p}</port>" + "".join(f"<txt-record>{x}</txt-record>" for x in txt) + "</service>" for t, p, txt in kinds)
            (services / "device.service").write_text(f'<?xml version="1.0" standalone="no"?><!DOCTYPE service-group SYSTEM "avahi-service.dtd"><service-group><name>{label}</name>{body}</service-group>')
            conf = self._file(d["id"], "avahi", f"[server]\nhost-name={d['hostname']}\nuse-ipv4=yes\nuse-ipv6=yes\nallow-interfaces=eth0\nenable-dbus=no\n[publish]\npublish-workstation=no\npublish-hinfo=no\n[reflector]\n[rlimits]\n")
            start = f'mount --bind {services} /etc/avahi/services && exec avahi-daemon -f {conf} --no-drop-root --no-chroot --no-rlimits'
            self.spawn(d["id"], "avahi", ["sh", "-c", start], private=True)
        for d in r.wired():
            if "llmnr" in d["protocols"]:
                self.spawn(d["id"], "llmnrd", ["llmnrd", "-H", d["hostname"]], private=True)
        ehr = r.device("it-srv-ehr")
        self.spawn("it-srv-ehr", "wsdd", ["wsdd", "-i", "eth0", "-4", "-n", ehr["hostname"].upper(), "-w", "STBRANNOC"], private=True)
        self.spawn("it-cart-1", "wsdd", ["wsdd", "-i", "eth0", "-4", "-n", "STB-WOW-01", "-w", "STBRANNOC"], private=True)

    # -- telemetry, images, the rest --------------------------------------------------------------------------------

    def mqtt(self):
        pem = self.ca.issue("it-srv-broker", f"broker.{self.roster.domain}", sans=["broker", f"broker.{self.roster.domain}"])
        d = self._dir("it-srv-broker", "mosquitto")
        conf = self._file("it-srv-broker", "mosquitto", f"per_listener_settings true\nuser root\nlistener 1883\nallow_anonymous true\nlistener 8883\ncafile {pem}/cacert.pem\ncertfile {pem}/usercert.pem\nkeyfile {pem}/userkey.pem\n"
                          "require_certificate true\nuse_identity_as_username true\nallow_anonymous false\n")
        self.spawn("it-srv-broker", "mosquitto", ["mosquitto", "-c", conf])
        for c in self.roster.of_class("blood-pressure-cuff"):
            self.ca.issue(c["id"], c["cert_cn"], org="Tern")

    def dicom(self):
        r = self.roster
        d = self._dir("rad-pacs", "orthanc")
        (d / "conf.json").write_text(json.dumps({
            "Name": "St Brannoc's PACS", "StorageDirectory": str(d / "db"), "IndexDirectory": str(d / "db"), "DicomAet": "STB_PACS", "DicomPort": 104, "DicomCheckCalledAet": True, "HttpPort": 8042,
            "RemoteAccessAllowed": True, "AuthenticationEnabled": True, "RegisteredUsers": {"reporting": "Chestnut-41"}, "DicomAlwaysAllowEcho": True, "DicomAlwaysAllowStore": True, "DicomAlwaysAllowFind": True,
            "DicomAlwaysAllowMove": True, "DicomModalities": {"ws1": ["STB_WS1", r.ip("rad-ws-1"), 11112], "ws2": ["STB_WS2", r.ip("rad-ws-2"), 11112]}, "Plugins": ["/usr/share/orthanc/plugins"],
            "DicomWeb": {"Enable": True}, "ConcurrentJobs": 2, "DicomThreadsCount": 4}))
        self.spawn("rad-pacs", "orthanc", ["Orthanc", d / "conf.json"], private=True)
        pem, inbox = self.ca.issue("rad-pacs", f"pacs.{r.domain}"), self._dir("rad-pacs", "inbox")
        self.ca.issue("rad-mr", f"mr1.{r.domain}")
        self.spawn("rad-pacs", "storescp-tls", ["storescp", "+tls", f"{pem}/userkey.pem", f"{pem}/usercert.pem", "+cf", f"{pem}/cacert.pem", "-rc", "-aet", "STB_PACS", "-od", inbox, "--ignore", "2762"])
        self.spawn("rad-worklist", "wlm", ["wlmscpfs", "-dfp", self._dir("rad-worklist", "wl"), "104"])
        self.spawn("rad-worklist", "mpps", [self.python, actor("mpps_scp.py"), "STB_WORKLIST", "11113"])
        self.spawn("rad-ws-1", "storescp", ["storescp", "-aet", "STB_WS1", "--ignore", "-od", self._dir("rad-ws-1", "inbox"), "11112"])

    def small_things(self):
        r = self.roster
        self.spawn("it-srv-infra", "syslog", ["socat", "-u", "UDP-RECV:514", "OPEN:/dev/null"])
        routes = self._file("it-srv-infra", "kamailio", KAMAILIO.format(ip=r.ip("it-srv-infra"), domain=r.domain))
        self.spawn("it-srv-infra", "kamailio", ["kamailio", "-DD", "-E", "-m", "32", "-M", "4", "-f", routes], private=True)
        for d in r.of_class("printer"):
            self.spawn(d["id"], "raw", ["socat", "-u", "TCP-LISTEN:9100,fork,reuseaddr", "OPEN:/dev/null"])
        self.spawn("icu-serial-box", "serial", ["socat", "TCP-LISTEN:4001,fork,reuseaddr,nodelay", f"EXEC:{self.python} {actor('medibus_line.py')}"])
        self.spawn("lab-engine", "mqtt", ["mosquitto_sub", "-h", self.roster.ip("it-srv-broker"), "-p", "1883", "-i", "junction-alarms", "-V", "mqttv311", "-k", "3600", "-q", "1", "-t", "boreas/#"])
        home = self._dir("ed-ecg-server", "ftp")
        self.spawn("ed-ecg-server", "ftp", [self.python, "-m", "pyftpdlib", "-i", r.ip("ed-ecg-server"), "-p", "21", "-w", "-d", home, "-u", "ecg", "-P", "ecg12"])
        self.spawn("dia-water", "modbus", [self.python, actor("modbus_plant.py")])
        for d in r.of_class("camera"):
            cfg = {k: d[k] for k in ("ip", "maker", "model", "serial", "hostname", "firmware")}
            self.spawn(d["id"], "announce", [self.python, actor("camera.py"), json.dumps(cfg)], stdin=subprocess.PIPE)


def actor(name):
    return str(pathlib.Path(__file__).resolve().parent / "actors" / name)
