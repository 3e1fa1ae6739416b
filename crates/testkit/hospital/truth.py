"""What is true of the sample: who really sent frames, what they say of themselves, what was invented, how many messages were sent."""

import collections
import datetime
import ipaddress
import re
import struct
import subprocess

import patients

SAYS = ("ae_title", "station_name", "hl7_application", "hl7_facility", "mqtt_client_id", "mqtt_version", "cert_cn", "extension", "tls", "stack")
UTC = datetime.timezone.utc


HL7_START = re.compile(rb"\x0bMSH\|[^|]*(?:\|[^|\r]*){6}\|([A-Z0-9]+)\^?([A-Z0-9]*)")


def hl7_in_file(frames, names):
    """HL7 messages that begin in the file, by type and sender; a repeated segment counts once. Header and start share a segment in practice."""
    counts, seen = collections.Counter(), set()
    for _, f in frames:
        if f[12:14] != b"\x81\x00" or f[16:18] != b"\x08\x00" or f[27] != 6 or b"\x0bMSH|" not in f:
            continue
        tcp = 18 + (f[18] & 15) * 4
        key = f[30:38] + f[tcp : tcp + 8]
        if key in seen:
            continue
        seen.add(key)
        body = f[tcp + (f[tcp + 12] >> 4) * 4 :]
        for m in HL7_START.finditer(body):
            counts[f"{m[1].decode()}{'^' + m[2].decode() if m[2] else ''} from {names.get(f[30:34], '?')}"] += 1
    return dict(sorted(counts.items()))


def exchanges_in_file(roster, frames):
    """Frames per exchange and pair, both directions. A pair with none is in the list with 0: the script says so at the end."""
    seen = collections.Counter()
    for _, f in frames:
        if f[12:14] == b"\x81\x00" and f[16:18] == b"\x08\x00" and f[27] in (6, 17):
            l4 = 18 + (f[18] & 15) * 4
            sport, dport = struct.unpack(">HH", f[l4 : l4 + 4])
            for port, server, client in ((dport, f[34:38], f[30:34]), (sport, f[30:34], f[34:38])):
                seen[client, server, port] += 1
                seen[client, server, 0] += 1
    out = []
    for e in roster.exchanges:
        for a in e["from"]:
            for b in e["to"]:
                n = seen[ipaddress.ip_address(roster.ip(a)).packed, ipaddress.ip_address(roster.ip(b)).packed, e["port"]]
                out.append({"from": a, "to": b, "service": e["service"], "port": e["port"], "transport": e["transport"], "clear": e["clear"], "phi": e["phi"], "frames": n})
    return out


def canaries_in_file(pcap):
    """The invented patient strings that really are in the capture."""
    data = pcap.read_bytes()
    return [c for c in patients.canaries() if c.encode() in data]


def frames_by_protocol(pcap):
    """What an independent reader (tshark) calls each frame."""
    out = subprocess.run(["tshark", "-r", str(pcap), "-T", "fields", "-e", "_ws.col.Protocol"], capture_output=True, text=True).stdout
    return dict(collections.Counter(out.split("\n")[:-1]).most_common())


def document(roster, stretcher, run, frames, pcap):
    devices, silent = [], []
    for d in roster.wired():
        seen = stretcher.seen.get(bytes.fromhex(d["mac"].replace(":", "")))
        if not seen:
            silent.append(d["id"])
            continue
        entry = {k: d[k] for k in ("id", "class", "department", "place", "maker", "model", "serial", "firmware", "mac", "vlan", "hostname", "protocols", "in_use", "tier") if d.get(k) not in (None, "")}
        ips = sorted(str(ipaddress.ip_address(i)) for i in seen["ips"])
        entry |= {"ips": [d["ip"]] if d["id"] == "it-switch-core" else ips, "vlans_seen": sorted(seen["vlans"]), "frames": seen["frames"], "says": {k: d[k] for k in SAYS if d.get(k)}}
        if d["id"] == "it-switch-core":
            entry["also_sends_from"] = [i for i in ips if i != d["ip"]]
        devices.append(entry)
    behind = [{k: d[k] for k in ("id", "behind", "serial", "udi", "udi_di", "eui64", "place", "in_use", "tier", "model", "maker")} for d in roster.devices if "behind" in d]
    guests = [{"id": g["id"], "mac": g["mac"], "ip": g["ip"], "frames": stretcher.seen[bytes.fromhex(g["mac"].replace(":", ""))]["frames"]} for g in roster.guests if bytes.fromhex(g["mac"].replace(":", "")) in stretcher.seen]
    names = {ipaddress.ip_address(d["ip"]).packed: d["id"] for d in roster.wired()}
    return {
        "schema": 1, "packets": len(frames), "first": _iso(frames[0][0]), "last": _iso(frames[-1][0]),
        "devices_with_frames": len(devices), "devices": devices, "behind_gateway": behind, "no_frames": silent, "guests": guests, "peers": [{k: p[k] for k in ("name", "public", "use")} for p in roster.peers],
        "exchanges": exchanges_in_file(roster, frames), "phi_canaries": canaries_in_file(pcap), "sent": dict(sorted(run["counts"].items())),
        "in_file": {"hl7_messages": hl7_in_file(frames, names), "frames_by_protocol": frames_by_protocol(pcap)}, "not_in_this_wave": ["the three incidents and the decoys", "maternity (not mirrored)"],
    }


def _iso(t):
    return datetime.datetime.fromtimestamp(t, UTC).isoformat(timespec="microseconds")


def readme(roster, stretcher, doc, frames, packed, pcap, digest, versions):
    protocols = "\n".join(f"| {k} | {v} |" for k, v in doc["in_file"]["frames_by_protocol"].items())
    sent = "\n".join(f"| {k} | {v} |" for k, v in doc["sent"].items())
    return f"""# St Brannoc's: one day at the mirror port

`st-brannocs.pcap.zst` is the sample hospital's day: {len(frames):,} Ethernet frames with 802.1Q tags, {doc['first'][:16]} to {doc['last'][:16]} UTC
(Ward shifts the times so that the day ends now). `st-brannocs.truth.json` says what is true of it, for tests.

| | |
|---|---|
| file | `{packed.name}`, {packed.stat().st_size:,} bytes (zstd -19); inside: classic pcap, microseconds, {pcap.stat().st_size:,} bytes |
| sha256 | `{digest}` |
| packets | {len(frames):,} |
| devices with frames of their own | {doc['devices_with_frames']}; {len(doc['behind_gateway'])} pumps speak only through the infusion gateway; {len(doc['guests'])} guests |
| licence | Apache-2.0, as the project; every byte was made for it |

## How it was made
`crates/testkit/hospital/make_sample.py`: one network namespace per device, with the MAC that the roster gives it, on a real switch with VLANs, a routing core switch
with a DHCP relay, and a mirror port. Real, unmodified programs talk; nobody drew packets by hand. A run takes minutes and is stretched to a day: each session keeps
its inner gaps and moves to its device's time of day. What the mirror sees and what was changed afterwards:

- The mirror copies what each port *sends in* (SPAN, "rx"), so each frame is there once, with its sender's MAC and VLAN. A routed conversation shows its two directions with
  two different VLAN tags. Broadcast relayed by the core switch, its ARP, router advertisements and the outside world's answers are there with the core switch's MAC.
- LLDP and CDP are untagged, as on the wire. Outside peers have documentation addresses (RFC 5737) that were written in afterwards, checksums made right.
- NTP stamps, syslog times and HTTP `Date` moved with their frame. HL7 and DICOM times are the day's own. Clock readings inside SMB, SDC and
  encrypted content are the run's, and TCP timestamps and uptimes count the run's minutes.
- Left out: copies routed between mirrored VLANs, and ICMP complaints about DHCP answers (on the stage a device owns its address before it asks for it).
- Multicast receivers' ICMP "port unreachable" after a short mDNS query is real behaviour of the querying program.
- Certificates are the hospital's own, for fixed dates; keys were thrown away after the run.

Patients, staff, hospital and medical makers are invented. The patient strings are listed in the truth file (`phi_canaries`): none may ever leave Ward.
Not in this wave: the three incidents, their decoys. Not mirrored, on purpose: maternity.

## Sent, as the senders counted
A result that the engine passes on counts once per hop.

| what | count |
|---|---|
{sent}

## Frames by protocol, as tshark names them
A TCP segment without a message of its own counts as TCP.

| protocol | frames |
|---|---|
{protocols}

## Software that made it
{chr(10).join('- ' + v for v in versions)}
"""
