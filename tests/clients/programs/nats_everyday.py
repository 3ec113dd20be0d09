"""What every NATS client does every day, with nats-py at three nodes: nats_everyday.py URL URL URL"""

import asyncio
import sys

import nats
from nats.errors import NoRespondersError, TimeoutError
from nats_settle import settle

A, B, C = sys.argv[1:]


def equal(got, expected):
    assert got == expected, f"{got!r} is not {expected!r}"


async def connect(url, **options):
    async def failed(err):
        errors.append(err)

    errors = []
    client = await nats.connect(url, error_cb=failed, allow_reconnect=False, **options)
    client.errors = errors
    return client


async def take(subscription, count):
    return [await subscription.next_msg(timeout=10) for _ in range(count)]


async def silent(subscription):
    try:
        message = await subscription.next_msg(timeout=0.3)
    except TimeoutError:
        return
    raise AssertionError(f"{message.subject}: {message.data!r}")


async def plain_and_wildcards(a, b, c):
    exact = await b.subscribe("orders.eu.new")
    one = await b.subscribe("orders.*.new")
    rest = await c.subscribe("orders.>")
    for client in (b, c):
        await settle(client)
    for number in range(200):
        await a.publish("orders.eu.new", b"%d" % number)
    await a.publish("orders.eu.old", b"old")
    expected = [b"%d" % number for number in range(200)]
    for subscription in (exact, one):
        messages = await take(subscription, 200)
        equal([message.data for message in messages], expected)
        equal({message.subject for message in messages}, {"orders.eu.new"})
    equal([message.data for message in await take(rest, 201)], expected + [b"old"])
    await silent(exact)
    for subscription in (exact, one, rest):
        await subscription.unsubscribe()


async def queue_groups(a, b, c):
    got = {"b": [], "c": [], "watcher": []}
    done = asyncio.Event()

    def member(name):
        async def on_message(message):
            got[name].append(message.data)
            if len(got["b"]) + len(got["c"]) >= 100 and len(got["watcher"]) >= 100:
                done.set()

        return on_message

    await b.subscribe("jobs.>", queue="workers", cb=member("b"))
    await c.subscribe("jobs.>", queue="workers", cb=member("c"))
    await a.subscribe("jobs.>", cb=member("watcher"))
    for client in (a, b, c):
        await settle(client)
    for number in range(100):
        await a.publish("jobs.x", b"%d" % number)
    await asyncio.wait_for(done.wait(), 10)
    everything = sorted(b"%d" % number for number in range(100))
    equal(sorted(got["b"] + got["c"]), everything)
    equal(sorted(got["watcher"]), everything)


async def requests(a, b, c):
    async def answer(message):
        await message.respond(b"re:" + message.data)

    try:
        await a.request("help", b"1", timeout=5)
        raise AssertionError("nobody answers, but somebody did")
    except NoRespondersError:
        pass
    service = await c.subscribe("help", cb=answer)
    await settle(c)
    for client in (a, b, c):
        for number in range(20):
            reply = await client.request("help", b"%d" % number, timeout=5)
            equal(reply.data, b"re:%d" % number)
    await service.unsubscribe()
    await settle(c)
    for _ in range(500):
        try:
            await a.request("help", b"2", timeout=0.2)
        except NoRespondersError:
            break
        except TimeoutError:
            await asyncio.sleep(0.01)
    else:
        raise AssertionError("the service is gone, and nobody says so")
    try:
        await a.jetstream().account_info()
        raise AssertionError("there is no JetStream")
    except Exception as err:
        equal(type(err).__name__, "ServiceUnavailableError")


async def headers(a, b, _c):
    subscription = await b.subscribe("health.stores.*")
    await settle(b)
    sent = {"Trace-Id": "17", "Bellwether-Event": "node_health_updated", "Content-Type": "application/json"}
    await a.publish("health.stores.s1", b'{"ok":true}', headers=sent, reply="answers.here")
    [message] = await take(subscription, 1)
    equal((message.subject, message.data, message.reply), ("health.stores.s1", b'{"ok":true}', "answers.here"))
    for name, value in (sent | {"Bellwether-Reporting-Node": "a", "Bellwether-Originating-Node": "a"}).items():
        equal(message.headers[name], value)
    assert message.headers["Bellwether-Message-Id"].startswith("health/a/"), message.headers
    await subscription.unsubscribe()


async def max_unsubscribe(a, b, _c):
    subscription = await b.subscribe("few")
    await subscription.unsubscribe(limit=3)
    await settle(b)
    for number in range(9):
        await a.publish("few", b"%d" % number)
    equal([message.data for message in await take(subscription, 3)], [b"0", b"1", b"2"])


async def no_echo(a, _b, c):
    deaf = await connect(A, no_echo=True)
    own, other = await deaf.subscribe("talk"), await c.subscribe("talk")
    await settle(deaf)
    await settle(c)
    await deaf.publish("talk", b"mine")
    equal((await take(other, 1))[0].data, b"mine")
    await a.publish("talk", b"yours")
    equal((await take(own, 1))[0].data, b"yours")
    await silent(own)
    await deaf.close()


async def large(a, b, _c):
    limit = a.max_payload
    equal(limit, 1 << 20)
    subscription = await b.subscribe("large", pending_bytes_limit=8 << 20)
    await settle(b)
    payload = bytes(range(256)) * (limit // 256)
    for _ in range(3):
        await a.publish("large", payload)
    for message in await take(subscription, 3):
        assert message.data == payload
    # The library refuses more by itself; so as if it did not.
    rude = await connect(A)
    rude._max_payload = 1 << 30
    await rude.publish("large", b"x" * (limit + 1))
    for _ in range(500):
        if rude.is_closed:
            break
        await asyncio.sleep(0.01)
    assert rude.is_closed and "maximum payload violation" in str(rude.last_error).lower(), rude.last_error
    await silent(subscription)


async def drain(a, b, _c):
    got = []

    async def on_message(message):
        got.append(message.data)

    own = await connect(B)
    await own.subscribe("drained", cb=on_message)
    await settle(own)
    for number in range(100):
        await own.publish("drained", b"%d" % number)
    await settle(own)
    await own.drain()
    equal(len(got), 100)
    equal(own.errors, [])


async def main():
    clients = [await connect(url) for url in (A, B, C)]
    for step in (plain_and_wildcards, queue_groups, requests, headers, max_unsubscribe, no_echo, large, drain):
        print(step.__name__, flush=True)
        await asyncio.wait_for(step(*clients), 30)
    for client in clients:
        equal(client.errors, [])
        assert client.is_connected
        await client.close()


asyncio.run(main())
