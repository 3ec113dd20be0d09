// What every client of Phoenix channels does every day, with phoenix.js at two nodes: phoenix_everyday.cjs URL URL
"use strict";
const assert = require("node:assert/strict");
const { createRequire } = require("node:module");
const modules = createRequire(`${process.env.BELLWETHER_NODE_MODULES}/`);
const { Socket } = modules("phoenix");
const WebSocket = modules("ws");

const urls = process.argv.slice(2);
const soon = (what, work) => {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not in time: ${what}`)), 20_000);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
};

// A socket that is open.
async function open(url, options = {}) {
  const socket = new Socket(`${url.replace("http", "ws")}/socket`, { transport: WebSocket, ...options });
  const opened = new Promise((resolve) => socket.onOpen(resolve));
  socket.connect();
  await soon("the socket opens", opened);
  return socket;
}

// What becomes of a push: its status and response.
const answer = (push) =>
  soon(
    "an answer",
    new Promise((resolve) => {
      for (const status of ["ok", "error", "timeout"]) push.receive(status, (response) => resolve({ status, response }));
    }),
  );

async function ok(push) {
  const { status, response } = await answer(push);
  assert.equal(status, "ok", JSON.stringify(response));
  return response;
}

async function refused(push, reason) {
  const { status, response } = await answer(push);
  assert.equal(status, "error");
  assert.equal(response.reason, reason, response.message);
}

// A channel that is joined.
async function join(socket, topic, params = {}) {
  const channel = socket.channel(topic, params);
  const response = await ok(channel.join());
  assert.deepEqual(response.live.not_yet, []);
  return channel;
}

// The next so many payloads of an event.
function take(channel, event, count) {
  const taken = [];
  return soon(
    `${count} of ${event}`,
    new Promise((resolve) => {
      const ref = channel.on(event, (payload) => {
        taken.push(payload);
        if (taken.length === count) {
          channel.off(event, ref);
          resolve(taken);
        }
      });
    }),
  );
}

async function messagesAcrossNodes(a, b) {
  const here = await join(a, "events:orders:new");
  const there = await join(b, "events:orders:new");
  const pattern = await join(b, "events:orders:*");
  const received = [take(there, "made", 200), take(pattern, "made", 200), take(here, "made", 200)];
  const answers = [];
  for (let n = 0; n < 200; n++) answers.push(ok(here.push("made", { n })));
  const ids = (await Promise.all(answers)).map((response) => response.id);
  for (const payloads of await Promise.all(received)) {
    assert.deepEqual(payloads.map((payload) => payload.n), [...Array(200).keys()]);
    assert.deepEqual(payloads.map((payload) => payload._bellwether.id), ids);
    assert.equal(payloads[0]._bellwether.topic, "events:orders:new");
    assert.equal(payloads[0]._bellwether.reporting_node, "a");
  }
  await ok(pattern.leave());
}

async function refusedJoins(a) {
  // The client would try again for ever.
  for (const [topic, params, reason] of [
    ["room:lobby", {}, "unmatched topic"],
    ["events", {}, "unmatched topic"],
    ["events:a", { since: "not a cursor" }, "bad_token"],
    ["events:a", { from: "yesterday" }, "bad_params"],
  ]) {
    const channel = a.channel(topic, params);
    await refused(channel.join(), reason);
    channel.leave();
  }
}

async function publishing(a, b) {
  const everything = await join(b, "audit:*");
  const channel = await join(a, "events:bills:*");
  const made = take(everything, "billed", 1);
  const response = await ok(
    channel.push("publish", { topic: "audit:bills:1", event: "billed", payload: { euro: 7 }, confirm: "all" }),
  );
  assert.deepEqual(response.peers, [{ node: "b", outcome: "confirmed" }]);
  const [payload] = await made;
  assert.equal(payload.euro, 7);
  assert.equal(payload._bellwether.topic, "audit:bills:1");
  await refused(channel.push("billed", {}), "bad_topic");
  await refused(channel.push("publish", { topic: "audit:+" }), "bad_topic");
  await refused(channel.push("publish", { topic: "audit:a", confirm: 5 }), "too_few_peers");
  // A type of the catalogue is judged.
  const health = await join(a, "ex_esdb_health:node_health");
  await refused(health.push("node_health_updated", { status: "splendid" }), "invalid");
}

async function bytesBothWays(a, b) {
  const here = await join(a, "events:images");
  const there = await join(b, "events:images");
  const both = [take(here, "image", 1), take(there, "image", 1)];
  const bytes = Uint8Array.from([0, 255, 128, 10, 13]);
  await ok(here.push("image", bytes.buffer));
  for (const [received] of await Promise.all(both)) {
    assert.ok(received instanceof ArrayBuffer);
    assert.deepEqual(new Uint8Array(received), bytes);
  }
}

async function leavingAndJoiningAgain(a, b) {
  const channel = await join(a, "events:news");
  const source = await join(b, "events:news");
  let closed = 0;
  channel.onClose(() => closed++);
  let heard = 0;
  channel.on("heard", () => heard++);
  await ok(channel.leave());
  await ok(source.push("heard", {}));
  assert.equal(closed, 1);
  // A second channel takes the place of the first.
  const first = await join(a, "events:news");
  let firstHeard = 0;
  first.on("heard", () => firstHeard++);
  let firstClosed = 0;
  first.onClose(() => firstClosed++);
  const second = await join(a, "events:news");
  const taken = take(second, "heard", 1);
  await ok(source.push("heard", { n: 1 }));
  assert.equal((await taken)[0].n, 1);
  assert.deepEqual([heard, firstHeard, firstClosed], [0, 0, 1]);
}

async function heartbeats(url) {
  const answered = [];
  const socket = await open(url, { heartbeatIntervalMs: 50 });
  socket.onMessage(({ topic, payload }) => {
    if (topic === "phoenix") answered.push(payload.status);
  });
  await soon(
    "heartbeats",
    new Promise((resolve) => {
      const timer = setInterval(() => {
        if (answered.length >= 3) resolve(clearInterval(timer));
      }, 10);
    }),
  );
  assert.ok(answered.every((status) => status === "ok"));
  socket.disconnect();
}

async function tokens(url) {
  const socket = await open(url, { authToken: "a token" });
  assert.equal(socket.conn.protocol, "phoenix");
  await join(socket, "events:tokens");
  socket.disconnect();
  const byQuery = await open(url, { params: { token: "a token" } });
  byQuery.disconnect();
}

// Sockets that are not for us are not opened.
async function otherVersions(url) {
  for (const vsn of ["1.0.0", "3.0.0"]) {
    const socket = new WebSocket(`${url.replace("http", "ws")}/socket/websocket?vsn=${vsn}`);
    const status = await soon(
      "a refusal",
      new Promise((resolve, reject) => {
        socket.on("unexpected-response", (_, response) => resolve(response.statusCode));
        socket.on("open", () => reject(new Error(`${vsn} was opened`)));
      }),
    );
    assert.equal(status, 400);
  }
}

(async () => {
  const [a, b] = await Promise.all(urls.map((url) => open(url)));
  await messagesAcrossNodes(a, b);
  await refusedJoins(a);
  await publishing(a, b);
  await bytesBothWays(a, b);
  await leavingAndJoiningAgain(a, b);
  await heartbeats(urls[0]);
  await tokens(urls[0]);
  await otherVersions(urls[0]);
  process.exit(0);
})().catch((err) => {
  console.error(err);
  process.exit(1);
});
