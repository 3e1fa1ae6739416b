"""The hospital's device certificates: one CA, one leaf per device that shows one. Dates are fixed, keys are made for each run and thrown away."""

import datetime
import pathlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

UTC = datetime.timezone.utc
FROM, UNTIL = datetime.datetime(2026, 2, 1, tzinfo=UTC), datetime.datetime(2028, 2, 1, tzinfo=UTC)
EXPIRED = datetime.datetime(2026, 8, 31, tzinfo=UTC)


def _name(cn, org):
    return x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "GB"), x509.NameAttribute(NameOID.ORGANIZATION_NAME, org), x509.NameAttribute(NameOID.COMMON_NAME, cn)])


def _pem(folder, key, cert, ca):
    folder.mkdir(parents=True, exist_ok=True)
    pem = serialization.Encoding.PEM
    (folder / "userkey.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    (folder / "usercert.pem").write_bytes(cert.public_bytes(pem))
    (folder / "cacert.pem").write_bytes(ca.public_bytes(pem))
    (folder / "both.pem").write_bytes((folder / "userkey.pem").read_bytes() + (folder / "usercert.pem").read_bytes())


class Authority:
    """Issues what the roster's `cert_cn` fields name, into `folder`/<device id>."""

    def __init__(self, folder, name="St Brannoc's Device CA", org="St Brannoc's Hospital"):
        self.folder, self.key, self.org = pathlib.Path(folder), ec.generate_private_key(ec.SECP256R1()), org
        self.name = _name(name, org)
        self.cert = self._sign(self.name, self.key.public_key(), UNTIL, ca=True)

    def _sign(self, subject, public, until, ca=False, sans=(), serial=None):
        b = x509.CertificateBuilder(subject_name=subject, issuer_name=self.name, public_key=public, serial_number=serial or x509.random_serial_number())
        b = b.not_valid_before(FROM).not_valid_after(until).add_extension(x509.BasicConstraints(ca=ca, path_length=None), True)
        if not ca:
            b = b.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), False)
            b = b.add_extension(x509.SubjectAlternativeName([x509.DNSName(s) for s in sans]), False)
        return b.sign(self.key, hashes.SHA256())

    def issue(self, id, cn, org=None, sans=(), expired=False, use_rsa=False):
        key = rsa.generate_private_key(65537, 2048) if use_rsa else ec.generate_private_key(ec.SECP256R1())
        cert = self._sign(_name(cn, org or self.org), key.public_key(), EXPIRED if expired else UNTIL, sans=sans or [cn.lower()])
        _pem(self.folder / id, key, cert, self.cert)
        return self.folder / id
