"""Servers to probe, in a process of their own: `python -m tests.health.targets`. It prints its port.

What it does is the first word of the path: ok, hang, reset, drip, slow, huge, json, bomb, redirect, status/503.
`/switch` makes all of them what the query names until told otherwise.
"""

import asyncio
import gzip
import json
import socket
import struct
import sys

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Version: 1.4.2\r\nConnection: close\r\n\r\nok"
switched = ""


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    global switched
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        path = head.split(b" ")[1].decode()
        if path.startswith("/switch"):
            switched = path.partition("?")[2]
            writer.write(OK)
        else:
            word, _, rest = (switched or path.strip("/")).partition("?")[0].partition("/")
            await DEEDS.get(word, ok)(writer, rest)
        await writer.drain()
    except (OSError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def ok(writer, rest):
    writer.write(OK)


async def status(writer, rest):
    writer.write(f"HTTP/1.1 {rest} Told\r\nContent-Length: 2\r\n\r\nno".encode())


async def hang(writer, rest):
    await asyncio.sleep(3600)


async def slow(writer, rest):
    await asyncio.sleep(float(rest or 0.3))
    writer.write(OK)


async def drip(writer, rest):
    writer.write(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        writer.write(b"a")
        await writer.drain()
        await asyncio.sleep(0.2)


async def reset(writer, rest):
    wire = writer.get_extra_info("socket")
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def huge(writer, rest):
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n")
    while True:
        writer.write(b"x" * 65536)
        await writer.drain()


async def told(writer, rest):
    body = json.dumps({"status": rest or "ok", "checks": [{"name": "db", "ms": 7}], "version": "1.4.2"}).encode()
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


async def bomb(writer, rest):
    body = gzip.compress(b'{"status": "ok"}' + b" " * 50_000_000)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


async def redirect(writer, rest):
    writer.write(b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n")


DEEDS = {each.__name__: each for each in (ok, status, hang, slow, drip, reset, huge, bomb, redirect)} | {"json": told}


async def main() -> None:
    server = await asyncio.start_server(serve, "0.0.0.0", 0, backlog=1000)
    print(server.sockets[0].getsockname()[1], flush=True)
    parent = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)  # until whoever started it is gone
    await parent


if __name__ == "__main__":
    asyncio.run(main())
