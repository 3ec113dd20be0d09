// A client whose node goes and comes back gets everything once: phoenix_resumes.cjs URL COUNT
//
// Says `joined` on `events:control` when it is live, and `restart` when it has half of the numbers.
"use strict";
const assert = require("node:assert/strict");
const { createRequire } = require("node:module");
const modules = createRequire(`${process.env.BELLWETHER_NODE_MODULES}/`);
const { Socket } = modules("phoenix");
const WebSocket = modules("ws");

const [url, count] = [process.argv[2], Number(process.argv[3])];
const numbers = [];
let last = null;
let joins = 0;
let opened = 0;

const socket = new Socket(`${url.replace("http", "ws")}/socket`, {
  transport: WebSocket,
  rejoinAfterMs: () => 100,
  reconnectAfterMs: () => 50,
});
socket.onOpen(() => opened++);
socket.connect();
// The one thing that a client does so as to miss nothing.
const channel = socket.channel("events:numbers", () => ({ since: last }));
const say = (event) => channel.push("publish", { topic: "events:control", event });

channel.onMessage = (event, payload) => {
  last = payload?._bellwether?.cursor ?? last;
  return payload;
};
channel.on("gap", (gap) => {
  // Of the run of its own node that is over, nobody knows; of the other's, everything.
  if (gap.node === "b") fail(new Error(`a gap: ${JSON.stringify(gap)}`));
});
channel.on("number", ({ n }) => {
  numbers.push(n);
  if (n === count / 2) say("restart");
  if (n === count - 1) {
    assert.deepEqual(numbers, [...Array(count).keys()]);
    assert.ok(opened >= 2 && joins >= 2, `opened ${opened} times, joined ${joins} times`);
    process.exit(0);
  }
});
channel.join().receive("ok", (response) => {
  last ??= response.cursor;
  joins++;
  if (joins === 1) say("joined");
});

function fail(err) {
  console.error(err, `received ${numbers.length}, the last ${numbers.at(-1)}; opened ${opened}, joined ${joins}`);
  process.exit(1);
}
process.on("uncaughtException", fail);
setTimeout(() => fail(new Error("not in time")), 45_000).unref();
