"""Reads roster.toml: the one list of devices, guests, VLANs and outside peers."""

import pathlib
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
IPV6_CLASSES = {"camera", "printer"}
IPV6_DEVICES = {"it-cart-1", "it-cart-2", "it-cart-3"}


class Roster:
    """The roster, with the few questions the scripts ask of it."""

    def __init__(self, path=HERE / "roster.toml"):
        doc = tomllib.loads(pathlib.Path(path).read_text())
        self.hospital, self.vlans = doc["hospital"], doc["vlan"]
        self.devices, self.guests, self.peers = doc["device"], doc["guest"], doc["peer"]
        self.exchanges = doc["exchange"]
        self.domain = self.hospital["domain"]
        for d in self.devices:
            d.setdefault("firmware", "")
        self._by_id = {d["id"]: d for d in self.devices + self.guests}
        self._vlan = {v["id"]: v for v in self.vlans}

    def device(self, id):
        return self._by_id[id]

    anything = device

    def ip(self, id):
        return self._by_id[id]["ip"]

    def vlan(self, id):
        return self._vlan[id]

    def of_class(self, *classes):
        return [d for d in self.devices if d["class"] in classes]

    def wired(self):
        """Devices with frames of their own."""
        return [d for d in self.devices if "behind" not in d]

    def with_interface(self):
        """What gets a namespace and a switch port, the core switch apart (it has one port per VLAN)."""
        return [d for d in self.wired() + self.guests if d["id"] != "it-switch-core"]

    def speaks_ipv6(self, d):
        return d.get("class") in IPV6_CLASSES or d["id"] in IPV6_DEVICES

    def fqdn(self, d):
        return f"{d['hostname'].lower().replace('_', '-')}.{self.domain}" if d.get("hostname") else None
