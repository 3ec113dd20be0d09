"""A client stops reading while another publishes far more than may wait: nats_stuck.py STUCK_URL URL"""

import asyncio
import socket
import sys
from urllib.parse import urlsplit

import nats
from nats_settle import settle

STUCK, URL = sys.argv[1:]
MESSAGES, BYTES = 130, 1 << 20


async def main():
    address = urlsplit(STUCK)
    stuck = socket.create_connection((address.hostname, address.port))
    stuck.sendall(b'CONNECT {"verbose":false,"name":"stuck"}\r\nSUB flood 1\r\nPING\r\n')
    begin = b""
    while b"PONG\r\n" not in begin:
        begin += stuck.recv(4096)
    # One that reads, at the same node, is not harmed.
    reader = await nats.connect(STUCK)
    publisher = await nats.connect(URL)
    got = 0
    done = asyncio.Event()

    async def on_message(message):
        nonlocal got
        got += 1
        if got == MESSAGES:
            done.set()

    await reader.subscribe("flood", cb=on_message, pending_bytes_limit=1 << 30)
    await settle(reader)
    for _ in range(MESSAGES):
        await publisher.publish("flood", b"x" * BYTES)
        await settle(publisher)
        # So that no queue of the mesh overflows on the way: the one that is to be full is the stuck client's.
        while got < _ - 4:
            await asyncio.sleep(0.002)
    await asyncio.wait_for(done.wait(), 30)
    stuck.settimeout(20)
    end = b""
    while True:
        try:
            piece = stuck.recv(1 << 20)
        except ConnectionResetError:
            break
        if not piece:
            break
        end = (end + piece)[-100:]
    assert end.endswith(b"-ERR 'Slow Consumer'\r\n"), end
    await reader.close()
    await publisher.close()


asyncio.run(main())
