// phoenix.js in a browser, on a page of the node's own: browser_phoenix.cjs URL OTHER_URL
"use strict";
const assert = require("node:assert/strict");
const { createRequire } = require("node:module");
const modules = createRequire(`${process.env.BELLWETHER_NODE_MODULES}/`);
const { chromium } = modules("playwright-core");
const library = `${process.env.BELLWETHER_NODE_MODULES}/phoenix/priv/static/phoenix.min.js`;

const [url, otherUrl] = process.argv.slice(2);

// Runs in the page.
async function everyday() {
  const answer = (push) =>
    new Promise((resolve) => {
      for (const status of ["ok", "error", "timeout"]) push.receive(status, (response) => resolve({ status, response }));
    });
  const next = (channel, event) => new Promise((resolve) => channel.on(event, resolve));
  const socket = new Phoenix.Socket("/socket", { authToken: "a token" });
  socket.connect();
  const channel = socket.channel("events:pages:*");
  const exact = socket.channel("events:pages:one", () => ({ from: "last:1" }));
  const joined = await answer(channel.join());
  const heard = next(channel, "opened");
  const published = await answer(channel.push("publish", { topic: "events:pages:one", event: "opened", payload: { n: 1 } }));
  const payload = await heard;
  const replayed = next(exact, "opened");
  await answer(exact.join());
  const again = await replayed;
  const image = next(channel, "image");
  await answer(exact.push("image", Uint8Array.from([0, 255, 7]).buffer));
  const bytes = [...new Uint8Array(await image)];
  const refused = await answer(socket.channel("room:lobby").join());
  const bad = await answer(channel.push("opened", {}));
  const left = await answer(channel.leave());
  const rtt = await new Promise((resolve) => socket.ping(resolve));
  return { joined, published, payload, again, bytes, refused, bad, left, rtt, protocol: socket.conn.protocol };
}

// Runs in a page of another origin.
function foreign(url) {
  return new Promise((resolve) => {
    const socket = new WebSocket(`${url.replace("http", "ws")}/socket/websocket?vsn=2.0.0`);
    socket.onopen = () => resolve("opened");
    socket.onerror = () => resolve("refused");
  });
}

(async () => {
  const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  try {
    const page = await browser.newPage();
    await page.goto(`${url}/healthz`);
    await page.addScriptTag({ path: library });
    const seen = await page.evaluate(everyday);
    assert.equal(seen.joined.status, "ok");
    assert.deepEqual(seen.joined.response.live, { live: 2, nodes: 2, not_yet: [], joined: true });
    assert.equal(seen.published.status, "ok");
    assert.equal(seen.payload.n, 1);
    assert.equal(seen.payload._bellwether.id, seen.published.response.id);
    assert.equal(seen.payload._bellwether.topic, "events:pages:one");
    assert.equal(seen.again._bellwether.id, seen.published.response.id);
    assert.deepEqual(seen.bytes, [0, 255, 7]);
    assert.equal(seen.refused.response.reason, "unmatched topic");
    assert.equal(seen.bad.response.reason, "bad_topic");
    assert.equal(seen.left.status, "ok");
    assert.ok(seen.rtt >= 0);
    assert.equal(seen.protocol, "phoenix");

    const elsewhere = await browser.newPage();
    await elsewhere.goto(`${otherUrl}/healthz`);
    assert.equal(await elsewhere.evaluate(foreign, url), "refused");
    assert.equal(await elsewhere.evaluate(foreign, otherUrl), "opened");
  } finally {
    await browser.close();
  }
})().catch((err) => {
  console.error(err);
  process.exitCode = 1;
});
