"""The ventilator at the far end of the unlabelled serial box: answers Medibus-style requests, one line in, one line out.

Run by socat per connection. Frames: ESC + command + checksum + CR in; SOH + command + data + checksum + CR out.
"""

import sys


def checksum(data):
    return f"{sum(data) & 0xFF:02X}".encode()


def answer(command):
    body = {b"Q": b"", b"R": b"8210'Vela 400'03.02:02.10", b"$": b"05  8.2 06 16.0 07 480  08 40.0 F0 21.4 ", b")": b"01 16.0 04 480 08 40 ", b"'": b""}.get(command)
    return None if body is None else b"\x01" + command + body


buffer = sys.stdin.buffer
while True:
    line = b""
    while not line.endswith(b"\r"):
        c = buffer.read(1)
        if not c:
            sys.exit(0)
        line += c
    reply = answer(line[1:2])
    if reply is not None:
        sys.stdout.buffer.write(reply + checksum(reply) + b"\r")
        sys.stdout.buffer.flush()
