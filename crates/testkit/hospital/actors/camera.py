"""What a network camera announces on its VLAN: ONVIF by WS-Discovery (WSDiscovery library) and UPnP by SSDP (async-upnp-client).

Arguments: a JSON object with ip, maker, model, serial, hostname. Lines on stdin repeat the announcements.
"""

import asyncio
import json
import sys
import threading
import uuid
from xml.etree import ElementTree

from async_upnp_client.const import DeviceIcon, DeviceInfo
from async_upnp_client.server import UpnpServer, UpnpServerDevice
from wsdiscovery import QName, Scope
from wsdiscovery.publishing import ThreadedWSPublishing

cfg = json.loads(sys.argv[1])
UDN = f"uuid:{uuid.uuid5(uuid.NAMESPACE_DNS, cfg['serial'])}"


class Camera(UpnpServerDevice):
    """A UPnP basic device with the camera's name plate."""

    DEVICE_DEFINITION = DeviceInfo(
        device_type="urn:schemas-upnp-org:device:Basic:1", friendly_name=f"{cfg['maker']} {cfg['model']} - {cfg['serial']}", manufacturer=cfg["maker"], manufacturer_url=None,
        model_name=cfg["model"], model_url=None, udn=UDN, upc=None, model_description=f"{cfg['maker']} {cfg['model']} Network Camera", model_number=cfg["firmware"],
        serial_number=cfg["serial"], presentation_url=f"http://{cfg['ip']}/", url="/upnp/device.xml", icons=[], xml=ElementTree.Element("server_device"))
    EMBEDDED_DEVICES, SERVICES = [], []


def onvif():
    wsd = ThreadedWSPublishing()
    wsd.start()
    ns = "http://www.onvif.org/ver10/network/wsdl"
    scopes = [f"onvif://www.onvif.org/{s}" for s in ("type/video_encoder", "Profile/Streaming", f"hardware/{cfg['model']}", f"name/{cfg['maker']}%20{cfg['model']}", "location/")]
    wsd.publishService(types=[QName(ns, "NetworkVideoTransmitter")], scopes=[Scope(s) for s in scopes], xAddrs=[f"http://{cfg['ip']}/onvif/device_service"])


async def upnp():
    server = UpnpServer(Camera, source=(cfg["ip"], 0), http_port=49152)
    await server.async_start()
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(None, sys.stdin.readline):
        pass


threading.Thread(target=onvif, daemon=True).start()
asyncio.run(upnp())
