#!/usr/bin/env python3
"""Writes keyring-1.json and prints the values in golden.rs, with another implementation of the same standards
(pyca/cryptography, OpenSSL). Formats are written down here a second time, on purpose: run it only for a new format."""
import base64, hashlib, hmac, json, pathlib, struct
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

def derive(key, info, salt=b"", length=32):
    return HKDF(hashes.SHA256(), length, salt or None, info).derive(key)

def b64(b):
    return base64.b64encode(b).decode()

def repeated(byte):
    return bytes([byte]) * 32

secret = bytes(range(32))
kek_id, kek = derive(secret, b"ward kek id 1")[:8].hex(), derive(secret, b"ward kek wrap 1")

count = 0
def wrap(key, purpose):
    global count
    count += 1
    nonce = bytes([count]) * 12
    return b64(nonce + AESGCM(kek).encrypt(nonce, key, purpose))

p = b"ward keyring 1 "
integrity = repeated(0x99)
document = {
    "format": "ward-keyring-1",
    "kek": {"id": kek_id, "source": {"kind": "file"}},
    "database": {"current": wrap(repeated(0x11), p + b"database"), "next": wrap(repeated(0x22), p + b"database")},
    "ledger": wrap(repeated(0x33), p + b"ledger"),
    "seal": [{"version": v, "wrapped": wrap(repeated(0x40 + v), p + b"seal" + struct.pack(">I", v))} for v in (1, 3)],
    "pseudonym": wrap(repeated(0x55), p + b"pseudonym"),
    "backup": wrap(repeated(0x66), p + b"backup"),
    "integrity": wrap(integrity, p + b"integrity"),
    "mac": "",
}
def text():
    return (json.dumps(document, indent=2) + "\n").encode()
document["mac"] = b64(hmac.digest(derive(integrity, b"ward keyring mac 1"), text(), "sha256"))
pathlib.Path(__file__).with_name("keyring-1.json").write_bytes(text())

# A data key of subject "device 7", wrapped by master key 3, and a value sealed by it.
data_key, nonce = repeated(0x77), bytes([0xA0]) * 12
aad = b"ward data key 1" + struct.pack(">I", 3) + b"device 7"
print("wrapped data key:", (b"\1" + struct.pack(">I", 3) + nonce + AESGCM(repeated(0x43)).encrypt(nonce, data_key, aad)).hex())
nonce, plaintext = bytes([0xB0]) * 12, b"icu-pump-07"
padded = plaintext + b"\x80" + bytes(-(len(plaintext) + 1) % 16)
print("sealed value:", (b"\1" + nonce + AESGCM(data_key).encrypt(nonce, padded, b"ward sealed value 1claims.value/7")).hex())

# A stream of one full chunk of zeros and "end".
salt, header = repeated(0xC0), b"header"
prologue = b"WARDSTR1" + salt + struct.pack(">I", len(header)) + header
prologue += hmac.digest(derive(repeated(0x66), b"ward stream 1 header", salt), prologue, "sha256")
chunks, stream = AESGCM(derive(repeated(0x66), b"ward stream 1 chunks", salt)), prologue
for number, (body, last) in enumerate([(bytes(65536), 0), (b"end", 1)]):
    head = struct.pack(">Q", number) + bytes([last]) + len(body).to_bytes(3, "big")
    stream += head + chunks.encrypt(struct.pack(">Q", number) + bytes([0, 0, 0, last]), body, head)
print("stream:", len(stream), "bytes, prologue", prologue.hex(), "sha256", hashlib.sha256(stream).hexdigest())
