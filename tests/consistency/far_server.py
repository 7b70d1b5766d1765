#!/usr/bin/env python3
"""A far server for the examples of the manuals: a proxy to invented brokers, each with its own requirements.

usage: far_server.py BROKER_PORT DIRECTORY WANTED...

WANTED is "HOST:PORT KEY=VALUE ...". The keys: tls=yes, alpn=PROTOCOL, cert=yes (a client certificate), id=, user=,
password= (of CONNECT), ws=PATH (MQTT over WebSocket is only checked up to its handshake, and then passed on).
A client that asks this SOCKS5 or HTTP proxy for HOST:PORT is connected to BROKER_PORT if it fulfils them all, with the
server name of TLS equal to HOST. Addresses of this machine are passed on. Prints the proxy's port and each decision.
DIRECTORY gets ca.pem, the same in a hashed directory ca, and the client certificate client.pem with client.key.
"""

import asyncio
import os
import ssl
import subprocess
import sys


class Refused(Exception):
    pass


def openssl(directory, *arguments):
    subprocess.run(["openssl", *arguments], cwd=directory, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def make_certificate(directory, name, extension, issuer=None):
    """NAME.pem and NAME.key in the directory, signed by the issuer or by itself."""
    signed_by = ["-CA", f"{issuer}.pem", "-CAkey", f"{issuer}.key"] if issuer else []
    openssl(directory, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", f"/CN={name}", "-addext", extension, "-keyout", f"{name}.key", "-out", f"{name}.pem", *signed_by)


def parse_connect(body):
    """Identifier, user name and password of a CONNECT packet."""
    def take(count):
        nonlocal body
        part, body = body[:count], body[count:]
        return part

    def text():
        return take(int.from_bytes(take(2), "big")).decode()

    def properties():
        if level == 5:
            length = shift = 0
            while True:
                byte = take(1)[0]
                length |= (byte & 127) << shift
                shift += 7
                if byte < 128:
                    break
            take(length)

    text()
    level, flags = take(2)
    take(2)
    properties()
    found = {"id": text()}
    if flags & 4:
        properties()
        text()
        text()
    if flags & 128:
        found["user"] = text()
    if flags & 64:
        found["password"] = text()
    return found


class FarServer:
    def __init__(self, broker, directory, wanted):
        self.broker, self.directory, self.wanted = broker, directory, {}
        for line in wanted:
            name, *pairs = line.split()
            host, _, port = name.rpartition(":")
            self.wanted[host, int(port)] = dict(pair.split("=", 1) for pair in pairs)

    def make_certificates(self):
        make_certificate(self.directory, "ca", "basicConstraints=critical,CA:true")
        make_certificate(self.directory, "client", "extendedKeyUsage=clientAuth", "ca")
        for host, _ in self.wanted:
            make_certificate(self.directory, host, f"subjectAltName=DNS:{host}", "ca")
        os.mkdir(f"{self.directory}/ca")
        os.link(f"{self.directory}/ca.pem", f"{self.directory}/ca/ca.pem")
        openssl(self.directory, "rehash", "ca")

    async def destination(self, reader, writer):
        """What the client of the proxy asks for."""
        first = await reader.readexactly(1)
        if first == b"\x05":
            await reader.readexactly((await reader.readexactly(1))[0])
            writer.write(b"\x05\x00")
            kind = (await reader.readexactly(4))[3]
            if kind == 1:
                host = ".".join(map(str, await reader.readexactly(4)))
            elif kind == 3:
                host = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
            else:
                raise Refused(f"address type {kind}")
            return host, int.from_bytes(await reader.readexactly(2), "big"), b"\x05\x00\x00\x01" + bytes(6)
        head = first + await reader.readuntil(b"\r\n\r\n")
        method, target, _ = head.split(b" ", 2)
        if method != b"CONNECT":
            raise Refused(f"HTTP method {method!r}")
        host, _, port = target.decode().rpartition(":")
        return host, int(port), b"HTTP/1.1 200 OK\r\n\r\n"

    async def start_tls(self, writer, host, wants):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{self.directory}/{host}.pem", f"{self.directory}/{host}.key")
        names = []
        context.sni_callback = lambda _, name, __: names.append(name)
        if "alpn" in wants:
            context.set_alpn_protocols([wants["alpn"]])
        if "cert" in wants:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(f"{self.directory}/ca.pem")
        await writer.start_tls(context)
        if names != [host]:
            raise Refused(f"server name {names}")
        if writer.get_extra_info("ssl_object").selected_alpn_protocol() != wants.get("alpn"):
            raise Refused("the application protocol (ALPN) is wrong")

    async def check_login(self, reader, wants):
        head = await reader.readexactly(2)
        length, shift = head[1] & 127, 7
        while head[-1] & 128:
            head += await reader.readexactly(1)
            length |= (head[-1] & 127) << shift
            shift += 7
        body = await reader.readexactly(length)
        given = parse_connect(body)
        for key in ("id", "user", "password"):
            if key in wants and given.get(key) != wants[key]:
                raise Refused(f"{key} {given.get(key)!r}")
        return head + body

    async def serve(self, reader, writer):
        name = "?"
        try:
            host, port, answer = await self.destination(reader, writer)
            name = f"{host}:{port}"
            local = host in ("127.0.0.1", "localhost")
            if not local and (host, port) not in self.wanted:
                raise Refused("unknown server")
            writer.write(answer)
            await writer.drain()
            first = b""
            if not local:
                wants = self.wanted[host, port]
                if "tls" in wants:
                    await self.start_tls(writer, host, wants)
                first = await self.check_login(reader, wants)
            print(f"accepted {name}", flush=True)
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port if local else self.broker)
            far_writer.write(first)
            await asyncio.gather(self.copy(reader, far_writer), self.copy(far_reader, writer))
        except (Refused, OSError, EOFError, asyncio.IncompleteReadError) as refused:
            print(f"refused {name}: {refused}", flush=True)
        finally:
            writer.close()

    @staticmethod
    async def copy(reader, writer):
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        finally:
            writer.close()

    async def run(self):
        self.make_certificates()
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        print(f"listening on port {server.sockets[0].getsockname()[1]}", flush=True)
        await server.serve_forever()


if len(sys.argv) < 4:
    sys.exit(__doc__)
asyncio.run(FarServer(int(sys.argv[1]), sys.argv[2], sys.argv[3:]).run())
