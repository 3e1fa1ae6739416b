"""Turns the raw capture of a short run into the file of a day.

- Frames move to the day's time: by round and device (simclock.py); gaps inside a session stay as they were.
- Copies that the core switch routed from one mirrored VLAN into another are left out, as on a SPAN session that mirrors what
  its VLANs receive. `keep_routed` keeps them: the same packet twice, with two tags, two MACs and two TTLs.
- Outside peers get their public addresses (IP header, DNS answers, NTP reference), with checksums made right again.
- Clock readings inside NTP, syslog and HTTP Date move by the same amount as their frame.
- ICMP complaints about DHCP answers are left out (the devices of the stage own their address before they ask for it).
- LLDP and CDP lose the VLAN tag that the mirror port added: switches send them untagged.
Nothing else in a frame changes.
"""

import bisect
import collections
import datetime
import ipaddress
import re
import struct

from simclock import offset

LINK_ONLY = {bytes.fromhex("0180c200000e"), bytes.fromhex("01000ccccccc")}
GROUP_PORTS = {5353, 3702, 1900, 137, 138, 5355}
HTTP_DATE = re.compile(rb"(?<=\r\nDate: )\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT")
ISO_TIME = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00")
RANK = {"it-switch-core": 95, "it-srv-infra": 90, "it-srv-ehr": 80, "it-srv-broker": 75, "lab-engine": 70, "rad-pacs": 60, "rad-worklist": 55, "lab-lis": 50, "ed-ecg-server": 45, "icu-gateway": 40}


def read_pcap(path):
    """Yields (seconds, frame). Stops at a cut-off last record."""
    with open(path, "rb") as f:
        magic = f.read(24)[:4]
        if magic != b"\xd4\xc3\xb2\xa1":
            raise ValueError("not a little-endian microsecond pcap")
        while len(head := f.read(16)) == 16:
            s, us, n, _ = struct.unpack("<IIII", head)
            data = f.read(n)
            if len(data) < n:
                return
            yield s + us / 1e6, data


def write_pcap(path, frames):
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        for t, data in frames:
            us = round(t * 1e6)
            f.write(struct.pack("<IIII", us // 1_000_000, us % 1_000_000, len(data), len(data)) + data)


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Stretcher:
    """One pass over the raw capture."""

    def __init__(self, roster, rounds, keep_routed=False):
        self.roster, self.rounds, self.keep_routed = roster, rounds, keep_routed
        self.starts = [r["real"] for r in rounds]
        everyone = roster.wired() + roster.guests
        self.by_mac = {bytes.fromhex(d["mac"].replace(":", "")): d for d in everyone}
        self.core = roster.device("it-switch-core")
        self.core_mac = bytes.fromhex(self.core["mac"].replace(":", ""))
        self.gateways = {ipaddress.ip_address(v["gateway"]).packed for v in roster.vlans}
        self.public = {ipaddress.ip_address(p["stand_in"]).packed: ipaddress.ip_address(p["public"]).packed for p in roster.peers}
        self.rank = {ipaddress.ip_address(d["ip"]).packed: RANK.get(d["id"], 10 if d.get("class") == "printer" else 0) for d in everyone}
        self.rank |= {g: 95 for g in self.gateways} | {s: 100 for s in self.public}
        self.stats = collections.Counter()
        self.seen = collections.defaultdict(lambda: {"frames": 0, "vlans": set(), "ips": set()})

    def run(self, frames):
        out = []
        for n, (t, frame) in enumerate(frames):
            new = self.one(t, frame)
            if new:
                out.append((new[0], n, new[1]))
        out.sort(key=lambda x: x[:2])
        return [(t, frame) for t, _, frame in out]

    def one(self, t, frame):
        if frame[12:14] != b"\x81\x00":
            self.stats["dropped: no tag"] += 1
            return None
        src = frame[6:12]
        if src not in self.by_mac:
            self.stats["dropped: unknown source " + src.hex(":")] += 1
            return None
        if self.routed(frame) and not self.keep_routed:
            self.stats["left out: routed copies"] += 1
            return None
        if self.dhcp_complaint(frame):
            self.stats["left out: ICMP about DHCP"] += 1
            return None
        vlan = struct.unpack(">H", frame[14:16])[0] & 0xFFF
        if frame[:6] in LINK_ONLY:
            frame = frame[:12] + frame[16:]
            self.note(src, None, None)
            return self.when(t, self.by_mac[src]["ip"])[0], frame
        moved, delta = self.when(t, self.key(frame, vlan))
        self.note(src, vlan, frame[30:34] if frame[16:18] == b"\x08\x00" else None)
        return moved, self.rewrite(frame, delta)

    def note(self, src, vlan, ip):
        s = self.seen[src]
        s["frames"] += 1
        if vlan is not None:
            s["vlans"].add(vlan)
        if ip and ip != b"\0\0\0\0":
            s["ips"].add(self.public.get(ip, ip))

    def routed(self, frame):
        if frame[6:12] != self.core_mac or frame[16:18] != b"\x08\x00":
            return False
        src = frame[30:34]
        return src[:2] == b"\x0a\x14" and src not in self.gateways

    @staticmethod
    def dhcp_complaint(frame):
        """Port unreachable about a DHCP answer: an artefact, since the stage's devices own their address before they ask for it."""
        return frame[16:18] == b"\x08\x00" and frame[27] == 1 and frame[38:40] == b"\x03\x03" and frame[66:70] in (b"\0\x43\0\x44", b"\0\x43\0\x43")

    def when(self, t, key):
        r = self.rounds[max(0, bisect.bisect_right(self.starts, t) - 1)]
        moved = r["day"] + offset(key, r["index"], r["slot"], r["length"]) + (t - r["real"])
        return moved, moved - t

    def key(self, frame, vlan):
        """Whose timetable a frame follows: the client of a conversation; the VLAN for group chatter."""
        kind, body = frame[16:18], frame[18:]
        if kind == b"\x08\x06":
            return self.pair(body[14:18], body[24:28], frame)
        if kind == b"\x08\x00":
            proto, start = body[9], (body[0] & 15) * 4
            if proto == 17:
                ports = set(struct.unpack(">HH", body[start : start + 4]))
                if ports & {67, 68}:
                    who = self.by_mac.get(body[start + 36 : start + 42])
                    return who["ip"] if who else "dhcp"
                if ports & GROUP_PORTS:
                    return f"group-{vlan}"
            if body[16] >= 224:
                return f"group-{vlan}" if proto == 2 else self.name(body[12:16])
            return self.pair(body[12:16], body[16:20], frame)
        if kind == b"\x86\xdd":
            if body[6] == 17 and set(struct.unpack(">HH", body[40:44])) & GROUP_PORTS:
                return f"group-{vlan}"
            who = self.by_mac.get(frame[6:12] if frame[6:12] != self.core_mac else frame[:6])
            return who["ip"] if who else f"group-{vlan}"
        return self.by_mac[frame[6:12]]["ip"]

    def pair(self, a, b, frame):
        if b[3] == 255 or a == b or a == b"\0\0\0\0":
            return self.by_mac[frame[6:12]]["ip"]
        return self.name(min((a, b), key=lambda x: (self.rank.get(x, 0), x)))

    @staticmethod
    def name(ip):
        return str(ipaddress.ip_address(ip))

    # -- contents ---------------------------------------------------------------------------------------------------

    def rewrite(self, frame, delta):
        if frame[16:18] == b"\x08\x06":
            return frame
        if frame[16:18] != b"\x08\x00":
            return frame
        start = 18 + (frame[18] & 15) * 4
        src, dst, proto = frame[30:34], frame[34:38], frame[27]
        fragment = struct.unpack(">H", frame[24:26])[0] & 0x3FFF
        new_src, new_dst = self.public.get(src, src), self.public.get(dst, dst)
        payload = self.payload(frame, proto, start, delta) if not fragment else frame[start:]
        if new_src == src and new_dst == dst and payload == frame[start:]:
            return frame
        self.stats["rewritten frames"] += 1
        total = struct.unpack(">H", frame[20:22])[0] - (start - 18)
        payload, trailer = payload[:total], payload[total:]
        head = bytearray(frame[18:start])
        head[10:12], head[12:16], head[16:20] = b"\0\0", new_src, new_dst
        head[10:12] = struct.pack(">H", checksum(bytes(head)))
        at = {6: 16, 17: 6}.get(proto)
        if at is not None and not fragment:
            body = payload[:at] + b"\0\0" + payload[at + 2 :]
            c = checksum(new_src + new_dst + struct.pack(">BBH", 0, proto, len(body)) + body)
            payload = body[:at] + struct.pack(">H", c or 0xFFFF if proto == 17 else c) + body[at + 2 :]
        return frame[:18] + bytes(head) + payload + trailer

    def payload(self, frame, proto, start, delta):
        body = frame[start:]
        if proto == 17:
            ports = set(struct.unpack(">HH", body[:4]))
            if 123 in ports and len(body) >= 56:
                body = self.swap(body[:24]) + b"".join(self.ntp(body[i : i + 8], delta) for i in (24, 32, 40, 48)) + body[56:]
            elif 53 in ports:
                body = self.swap(body)
            elif 514 in ports:
                body = ISO_TIME.sub(lambda m: self.iso(m[0], delta), body)
        elif proto == 6 and b"\r\nDate: " in body[:600]:
            body = HTTP_DATE.sub(lambda m: self.http(m[0], delta), body)
        return body

    def swap(self, data):
        for a, b in self.public.items():
            data = data.replace(a, b)
        return data

    @staticmethod
    def ntp(stamp, delta):
        value = struct.unpack(">Q", stamp)[0]
        if not value:
            return stamp
        return struct.pack(">Q", (value + round(delta * (1 << 32))) & 0xFFFFFFFFFFFFFFFF)

    @staticmethod
    def http(text, delta):
        t = datetime.datetime.strptime(text.decode(), "%a, %d %b %Y %H:%M:%S GMT") + datetime.timedelta(seconds=delta)
        return t.strftime("%a, %d %b %Y %H:%M:%S GMT").encode()

    @staticmethod
    def iso(text, delta):
        t = datetime.datetime.fromisoformat(text.decode()) + datetime.timedelta(seconds=delta)
        return t.isoformat(timespec="microseconds").encode()
