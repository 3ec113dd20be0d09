// A client that knows one node only loses it, and goes on at another: nats_moves.cjs URL OTHER_URL PID kill|term
"use strict";
const assert = require("node:assert/strict");
const { createRequire } = require("node:module");
const modules = createRequire(`${process.env.BELLWETHER_NODE_MODULES}/`);
const { connect } = modules("@nats-io/transport-node");

const [url, otherUrl, pid, how] = process.argv.slice(2);

(async () => {
  const client = await connect({ servers: url, reconnectTimeWait: 50, maxReconnectAttempts: -1 });
  const before = client.getServer();
  const seen = new Set();
  const waiting = new Map();
  const happened = (type) => new Promise((resolve) => (seen.has(type) ? resolve() : waiting.set(type, resolve)));
  (async () => {
    for await (const status of client.status()) {
      const news = status.type === "update" ? status.added?.length > 0 : true;
      if (news) {
        seen.add(status.type);
        waiting.get(status.type)?.();
      }
    }
  })();
  const subscription = client.subscribe("news.*");
  await client.flush();
  // It may have been told with the first line already.
  if (!(client.info.connect_urls?.length > 1)) await happened("update");
  process.kill(Number(pid), how === "kill" ? "SIGKILL" : "SIGTERM");
  if (how === "term") await happened("ldm");
  await happened("reconnect");
  assert.notEqual(client.getServer(), before);
  await client.flush();
  const other = await connect({ servers: otherUrl });
  other.publish("news.now", "still here");
  for await (const message of subscription) {
    assert.equal(message.string(), "still here");
    break;
  }
  await other.close();
  await client.close();
})().catch((err) => {
  console.error(err);
  process.exit(1);
});
setTimeout(() => {
  console.error("not in time");
  process.exit(1);
}, 40_000).unref();
