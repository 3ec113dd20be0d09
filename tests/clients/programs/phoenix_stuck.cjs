// A client that takes nothing costs only itself: phoenix_stuck.cjs URL
"use strict";
const assert = require("node:assert/strict");
const { createRequire } = require("node:module");
const modules = createRequire(`${process.env.BELLWETHER_NODE_MODULES}/`);
const { Socket } = modules("phoenix");
const WebSocket = modules("ws");

const url = process.argv[2];
// More than a subscription's queue and the buffers of the system hold.
const COUNT = 900;
const filler = "x".repeat(60_000);

function joined(topic) {
  return new Promise((resolve, reject) => {
    const socket = new Socket(`${url.replace("http", "ws")}/socket`, { transport: WebSocket });
    socket.connect();
    const channel = socket.channel(topic);
    channel.join().receive("ok", () => resolve([socket, channel])).receive("error", reject);
  });
}

(async () => {
  const [socket, stuck] = await joined("events:flood:*");
  const [, other] = await joined("events:flood:all");
  // In the order they came: numbers, and gaps.
  const told = [];
  stuck.on("flood", ({ n }) => told.push({ n }));
  stuck.on("gap", (gap) => told.push({ gap }));
  socket.conn.pause();

  const received = [];
  other.on("flood", ({ n }) => received.push(n));
  for (let n = 0; n < COUNT; n++) {
    await new Promise((resolve, reject) =>
      other.push("flood", { n, filler }).receive("ok", resolve).receive("error", reject).receive("timeout", reject),
    );
  }
  while (received.length < COUNT) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.deepEqual(received, [...Array(COUNT).keys()]);

  socket.conn.resume();
  while (told.at(-1)?.n !== COUNT - 1) await new Promise((resolve) => setTimeout(resolve, 10));
  let next = 0;
  let lost = 0;
  for (const { n, gap } of told) {
    if (gap) {
      assert.equal(gap.cause, "slow_subscriber");
      assert.equal(gap.first, next + 1);
      lost += gap.count;
      next = gap.last;
    } else {
      assert.equal(n, next++);
    }
  }
  assert.equal(next, COUNT);
  assert.ok(lost > 0, "it was never stuck");
  process.exit(0);
})().catch((err) => {
  console.error(err);
  process.exit(1);
});
setTimeout(() => {
  console.error("not in time");
  process.exit(1);
}, 45_000).unref();
