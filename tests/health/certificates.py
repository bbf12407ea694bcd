"""An authority, and servers with certificates of it for 127.0.0.1."""

import os
import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.receivers import stop_listening

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Certified:
    def __init__(self, folder):
        self.folder, self.now = folder, datetime.now(UTC).replace(microsecond=0)
        self.key, self.servers = ec.generate_private_key(ec.SECP256R1()), []
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an authority")])
        own = self._certificate(self.name, self.key.public_key(), timedelta(days=90), authority=True)
        self._write("authority.pem", own.public_bytes(serialization.Encoding.PEM))
        self.before = os.environ.get("SSL_CERT_FILE")
        os.environ["SSL_CERT_FILE"] = str(folder / "authority.pem")

    def __call__(self, length):
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
        made = self._certificate(name, key.public_key(), length)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path = self._write(f"{len(self.servers)}.pem", private + made.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        server = socket.create_server(("127.0.0.1", 0))
        self.servers.append(server)
        threading.Thread(target=self._serve, args=(server, context), daemon=True).start()
        return f"https://127.0.0.1:{server.getsockname()[1]}/"

    def close(self):
        for each in self.servers:
            stop_listening(each)
        os.environ.pop("SSL_CERT_FILE") if self.before is None else os.environ.update(SSL_CERT_FILE=self.before)

    def _serve(self, server, context):
        while True:
            try:
                wire, _ = server.accept()
            except OSError:
                return
            try:
                with context.wrap_socket(wire, server_side=True) as secure:
                    secure.recv(65536)
                    secure.sendall(OK)
            except OSError:
                wire.close()

    def _certificate(self, subject, public, length, *, authority=False):
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.now - timedelta(days=30))
            .not_valid_after(self.now + length)
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        )
        return builder.sign(self.key, hashes.SHA256())

    def _write(self, name, text):
        path = self.folder / name
        path.write_bytes(text)
        return path
