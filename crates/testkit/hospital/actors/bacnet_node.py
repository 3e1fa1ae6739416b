"""A BACnet/IP building controller on the unmodified bacpypes3 library.

Arguments: device name, instance, own address, then the peers as instance@address. Each line on stdin: one Who-Is, and one read
of each peer's object name and description.
"""

import asyncio
import sys

from bacpypes3.app import Application
from bacpypes3.argparse import SimpleArgumentParser
from bacpypes3.pdu import Address
from bacpypes3.primitivedata import ObjectIdentifier

name, instance, address, *peers = sys.argv[1:]


async def main():
    args = SimpleArgumentParser().parse_args(["--name", name, "--instance", instance, "--address", f"{address}/24", "--vendoridentifier", "999"])
    app = Application.from_args(args)
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(None, sys.stdin.readline):
        await app.who_is()
        for peer in peers:
            number, ip = peer.split("@")
            for prop in ("object-name", "model-name", "system-status"):
                try:
                    await asyncio.wait_for(app.read_property(Address(ip), ObjectIdentifier(f"device,{number}"), prop), 2)
                except Exception as e:  # a peer that refuses must not stop the others
                    print(prop, repr(e), file=sys.stderr, flush=True)


asyncio.run(main())
