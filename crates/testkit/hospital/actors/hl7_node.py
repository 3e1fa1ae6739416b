"""An HL7 v2 speaker and listener over MLLP, on the unmodified python-hl7 library (or hl7apy's server, for the health record).

Arguments: a JSON object with `listen` (ports), `server` ("hl7" or "hl7apy"), `forward` ({message code: [host, port]}).
Each line on stdin is an order: {"to": [host, port], "messages": [text, ...], "gap": seconds, "keep": bool}. For each order one line
goes to stdout: {"sent": n, "acked": n}. A kept connection stays open from order to order, as interfaces do in hospitals.
"""

import asyncio
import json
import queue
import re
import sys
import threading
import time

import hl7
from hl7.client import MLLPClient
from hl7.mllp import start_hl7_server

cfg = json.loads(sys.argv[1])
kept, lock, outgoing = {}, threading.Lock(), queue.Queue()


def deliver(to, messages, gap=0.0, keep=True):
    """Sends messages one by one, each after the last one's acknowledgement."""
    key, acked, sent = tuple(to), 0, 0
    with lock:
        client = kept.pop(key, None)
    for text in messages:
        for attempt in (1, 2):
            try:
                if client is None:
                    client = MLLPClient(*key)
                    client.socket.settimeout(5)
                sent += 1
                acked += b"MSA|AA" in client.send_message(text.encode())
                break
            except OSError:
                client = None
                if attempt == 2:
                    return sent, acked
        time.sleep(gap)
    if client is not None:
        if keep:
            with lock:
                kept[key] = client
        else:
            client.close()
    return sent, acked


def forwarder():
    while True:
        to, text = outgoing.get()
        deliver(to, [text])


def routes(text):
    code = text.split("\r", 1)[0].split("|")[8].split("^")[0]
    return cfg.get("forward", {}).get(code, [])


async def serve(reader, writer):
    """Acknowledges each message and passes it on where the configuration says so."""
    try:
        while not writer.is_closing():
            message = await reader.readmessage()
            text = str(message)
            writer.writemessage(message.create_ack())
            await writer.drain()
            for to in routes(text):
                outgoing.put((to, readdressed(text)))
    except (asyncio.IncompleteReadError, ConnectionError, hl7.exceptions.HL7Exception):
        writer.close()


def readdressed(text):
    """An engine forwards under its own name as receiver's peer: MSH-5 names the next hop."""
    head, rest = text.split("\r", 1)
    f = head.split("|")
    f[4] = "WILLOWEHR"
    return "|".join(f) + "\r" + rest


def serve_with_hl7apy(port):
    """The second implementation: hl7apy's own threaded server."""
    from hl7apy.mllp import AbstractErrorHandler, MLLPServer

    class Accept(AbstractErrorHandler):
        """Reached for every message, because no type is registered: answers AA."""

        def reply(self):
            f = re.split("[\r\n]", self.incoming_message)[0].split("|")
            head = "|".join(["MSH", "^~\\&", f[4], f[5], f[2], f[3], f[6], "", "ACK", "A" + f[9], "P", f[11]])
            return f"\x0b{head}\rMSA|AA|{f[9]}\r\x1c\r"

    MLLPServer("0.0.0.0", port, {"ERR": (Accept,)}, timeout=100000).serve_forever()


async def listen(ports):
    servers = [await start_hl7_server(serve, host="0.0.0.0", port=p, encoding="utf-8") for p in ports]
    await asyncio.gather(*(s.serve_forever() for s in servers))


def main():
    threading.Thread(target=forwarder, daemon=True).start()
    if cfg.get("listen"):
        if cfg.get("server") == "hl7apy":
            for p in cfg["listen"]:
                threading.Thread(target=serve_with_hl7apy, args=(p,), daemon=True).start()
        else:
            threading.Thread(target=lambda: asyncio.run(listen(cfg["listen"])), daemon=True).start()
    for line in sys.stdin:
        order = json.loads(line)
        sent, acked = deliver(order["to"], order["messages"], order.get("gap", 0.1), order.get("keep", True))
        print(json.dumps({"sent": sent, "acked": acked}), flush=True)


main()
