"""A nats-py client that knows one node only loses it, and goes on at another: nats_moves.py URL OTHER_URL PID kill|term"""

import asyncio
import os
import signal
import sys

import nats
from nats_settle import settle

URL, OTHER, PID, HOW = sys.argv[1:]


async def main():
    moved = asyncio.Event()

    async def on_reconnected():
        moved.set()

    client = await nats.connect(URL, reconnected_cb=on_reconnected, reconnect_time_wait=0.05, max_reconnect_attempts=-1)
    subscription = await client.subscribe("news.*")
    await settle(client)
    for _ in range(2000):
        if len(client.discovered_servers) > 0:
            break
        await asyncio.sleep(0.01)
    else:
        raise AssertionError("no node was told of another")
    os.kill(int(PID), signal.SIGKILL if HOW == "kill" else signal.SIGTERM)
    await asyncio.wait_for(moved.wait(), 20)
    assert client.connected_url.netloc != URL.removeprefix("nats://"), client.connected_url
    # All that it had subscribed to is there again.
    await settle(client)
    other = await nats.connect(OTHER)
    await other.publish("news.now", b"still here")
    message = await subscription.next_msg(timeout=10)
    assert message.data == b"still here", message.data
    await other.close()
    await client.close()


asyncio.run(main())
