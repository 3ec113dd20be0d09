// What every NATS client does every day, with @nats-io/transport-node at three nodes: nats_everyday.cjs URL URL URL
"use strict";
const assert = require("node:assert/strict");
const { createRequire } = require("node:module");
const modules = createRequire(`${process.env.BELLWETHER_NODE_MODULES}/`);
const { connect, headers, NoRespondersError, RequestError } = modules("@nats-io/transport-node");

const urls = process.argv.slice(2);
const text = (bytes) => new TextDecoder().decode(bytes);
const soon = (what, work) => {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not in time: ${what}`)), 20_000);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
};
const open = (url, options = {}) => connect({ servers: url, reconnect: false, ...options });

async function take(subscription, count) {
  const messages = [];
  for await (const message of subscription) {
    messages.push(message);
    if (messages.length === count) break;
  }
  return messages;
}

async function plainAndWildcards([a, b, c]) {
  const one = b.subscribe("orders.*.new");
  const rest = c.subscribe("orders.>");
  await Promise.all([b.flush(), c.flush()]);
  const expected = [];
  for (let number = 0; number < 200; number++) {
    a.publish("orders.eu.new", String(number));
    expected.push(String(number));
  }
  a.publish("orders.eu.old", "old");
  assert.deepEqual((await take(one, 200)).map((message) => text(message.data)), expected);
  assert.deepEqual((await take(rest, 201)).map((message) => text(message.data)), [...expected, "old"]);
}

async function queueGroups([a, b, c]) {
  const got = [];
  let tell;
  const done = new Promise((resolve) => (tell = resolve));
  for (const client of [b, c]) {
    client.subscribe("jobs.>", {
      queue: "workers",
      callback: (err, message) => {
        assert.ifError(err);
        got.push(Number(text(message.data)));
        if (got.length === 100) tell();
      },
    });
  }
  await Promise.all([b.flush(), c.flush()]);
  for (let number = 0; number < 100; number++) a.publish("jobs.x", String(number));
  await done;
  await Promise.all([a.flush(), b.flush(), c.flush()]);
  assert.deepEqual(got.sort((x, y) => x - y), [...Array(100).keys()]);
}

async function requests([a, b, c]) {
  await assert.rejects(a.request("help", "x", { timeout: 5_000 }), (err) => {
    assert.ok(err instanceof RequestError && err.isNoResponders(), err);
    return true;
  });
  c.subscribe("help", { callback: (_, message) => message.respond(`re:${text(message.data)}`) });
  await c.flush();
  for (const client of [a, b, c]) {
    for (let number = 0; number < 20; number++) {
      const reply = await client.request("help", String(number), { timeout: 5_000 });
      assert.equal(text(reply.data), `re:${number}`);
    }
  }
}

async function headersTravel([a, b]) {
  const subscription = b.subscribe("alerts.>");
  await b.flush();
  const sent = headers();
  sent.append("Trace", "1");
  sent.append("Trace", "2");
  sent.set("Bellwether-Event", "critical_alert");
  a.publish("alerts.disk.full", "!", { headers: sent, reply: "answers" });
  const [message] = await take(subscription, 1);
  assert.deepEqual([message.subject, message.reply, text(message.data)], ["alerts.disk.full", "answers", "!"]);
  assert.deepEqual(message.headers.values("Trace"), ["1", "2"]);
  assert.equal(message.headers.get("Bellwether-Event"), "critical_alert");
  assert.equal(message.headers.get("Bellwether-Reporting-Node"), "a");
}

async function maxUnsubscribe([a, b]) {
  const subscription = b.subscribe("few", { max: 3 });
  await b.flush();
  for (let number = 0; number < 9; number++) a.publish("few", String(number));
  const got = [];
  // The library ends it when its count is reached.
  for await (const message of subscription) got.push(text(message.data));
  assert.deepEqual(got, ["0", "1", "2"]);
}

async function noEcho([a, , c]) {
  const deaf = await open(urls[0], { noEcho: true });
  const own = deaf.subscribe("talk");
  const other = c.subscribe("talk");
  await Promise.all([deaf.flush(), c.flush()]);
  deaf.publish("talk", "mine");
  assert.equal(text((await take(other, 1))[0].data), "mine");
  a.publish("talk", "yours");
  assert.equal(text((await take(own, 1))[0].data), "yours");
  await deaf.close();
}

async function large([a, b]) {
  assert.equal(a.info.max_payload, 1 << 20);
  const subscription = b.subscribe("large");
  await b.flush();
  const payload = new Uint8Array(1 << 20).fill(7);
  a.publish("large", payload);
  const [message] = await take(subscription, 1);
  assert.ok(Buffer.from(message.data).equals(Buffer.from(payload)));
  assert.throws(() => a.publish("large", new Uint8Array((1 << 20) + 1)));
}

async function drain() {
  const own = await open(urls[1]);
  let got = 0;
  own.subscribe("drained", { callback: () => got++ });
  await own.flush();
  for (let number = 0; number < 100; number++) own.publish("drained", "x");
  await own.flush();
  await own.drain();
  assert.equal(got, 100);
}

(async () => {
  const clients = await Promise.all(urls.map((url) => open(url)));
  for (const step of [plainAndWildcards, queueGroups, requests, headersTravel, maxUnsubscribe, noEcho, large, drain]) {
    console.log(step.name);
    await soon(step.name, step(clients));
  }
  for (const client of clients) {
    assert.ok(!client.isClosed());
    await client.close();
  }
})().catch((err) => {
  console.error(err);
  process.exit(1);
});
