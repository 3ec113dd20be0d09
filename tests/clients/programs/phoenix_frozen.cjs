// A node that answers no heartbeat is left, and joined again when it answers: phoenix_frozen.cjs URL PID
"use strict";
const { createRequire } = require("node:module");
const modules = createRequire(`${process.env.BELLWETHER_NODE_MODULES}/`);
const { Socket } = modules("phoenix");
const WebSocket = modules("ws");

const [url, pid] = [process.argv[2], Number(process.argv[3])];
const socket = new Socket(`${url.replace("http", "ws")}/socket`, {
  transport: WebSocket,
  heartbeatIntervalMs: 200,
  rejoinAfterMs: () => 50,
  reconnectAfterMs: () => 50,
});
const channel = socket.channel("events:frozen");
let joins = 0;
let errors = 0;
channel.onError(() => {
  // The client has given the socket up; the node may go on.
  if (++errors === 1) process.kill(pid, "SIGCONT");
});
channel.on("back", () => process.exit(errors >= 1 && joins >= 2 ? 0 : 1));
channel.join().receive("ok", () => {
  if (++joins === 1) process.kill(pid, "SIGSTOP");
  else if (errors >= 1) channel.push("back", {});
});
socket.connect();
setTimeout(() => {
  process.kill(pid, "SIGCONT");
  console.error(`not in time: ${joins} joins, ${errors} errors`);
  process.exit(1);
}, 40_000).unref();
