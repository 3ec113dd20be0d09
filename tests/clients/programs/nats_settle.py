"""A flush that covers what was said before it."""


async def settle(client):
    # nats-py writes the PING of a flush at once, ahead of what still waits in its own buffer: the first may come before the
    # SUB that it is meant to follow. The second comes after it.
    await client.flush()
    await client.flush()
