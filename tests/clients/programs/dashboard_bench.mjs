// What an open dashboard costs, with twenty nodes on this machine: how smooth the page is in a minute of use, and what its
// node takes for it. Prints Markdown and JSON lines as scripts/bench does, which runs it:
// dashboard_bench.mjs BELLWETHER [NODES [SECONDS]]
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { open, publish, until } from './dashboard_page.mjs';

const [program, nodeCount = '20', seconds = '60'] = process.argv.slice(2);
const NODES = Number(nodeCount);
const SECONDS = Number(seconds);
/** Messages that are published per second meanwhile, over all nodes. */
const RATE = 100;
const GOAL_FRAME_MS = 100;
const GOAL_CPU = 0.02;
const TICKS = Number(execFileSync('getconf', ['CLK_TCK']));

const say = (words) => process.stderr.write(`dashboard: ${words}\n`);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

class BenchNode {
  static async start(name, folder, seed) {
    const node = new BenchNode();
    const arguments_ = ['start', '--name', name, '--listen', '127.0.0.1:0', '--http', '127.0.0.1:0', '--data-dir', path.join(folder, name)];
    if (seed) arguments_.push('--seed', seed);
    const env = { PATH: process.env.PATH, SECRET_KEY_BASE: 'a secret of the benchmark that has more than 32 bytes' };
    node.child = spawn(program, arguments_, { env, stdio: ['ignore', 'ignore', 'pipe'] });
    const lines = readline.createInterface({ input: node.child.stderr });
    for await (const line of lines) {
      if (!line.includes(' started ')) continue;
      node.mesh = /mesh="([^"]+)"/.exec(line)[1];
      node.url = /http="([^"]+)"/.exec(line)[1];
      break;
    }
    node.child.stderr.resume();
    return node;
  }

  /** Seconds of processors that it used. */
  cpu() {
    const stat = readFileSync(`/proc/${this.child.pid}/stat`, 'utf8');
    const [user, system] = stat.slice(stat.lastIndexOf(')') + 2).split(' ').slice(11, 13).map(Number);
    return (user + system) / TICKS;
  }
}

/** The share of a core that each node takes while `work` is done. */
async function shares(nodes, work) {
  const before = nodes.map((node) => node.cpu());
  const began = performance.now();
  await work();
  const passed = (performance.now() - began) / 1000;
  return nodes.map((node, index) => (node.cpu() - before[index]) / passed);
}

/** A minute of use: the whole page up and down, nodes and instances chosen, the tail narrowed, the window made smaller. */
async function use(page) {
  const end = Date.now() + SECONDS * 1000;
  const topics = ['*', 'bench:*', 'bench:1'];
  for (let step = 0; Date.now() < end; step += 1) {
    await page.evaluate((down) => scrollTo({ top: down ? document.body.scrollHeight : 0, behavior: 'smooth' }), step % 2 === 0);
    await sleep(900);
    await page.selectOption('#scope', { index: step % (NODES + 1) });
    await page.locator('#instances-table .choose').nth(step % 10).click();
    await page.selectOption('#tail-instance', ['events', 'all', 'signals'][step % 3]);
    await page.fill('#tail-pattern', topics[step % topics.length]);
    await page.keyboard.press('Enter');
    await sleep(900);
    await page.locator('#tail-rows').focus();
    for (const key of ['Home', 'ArrowDown', 'ArrowDown', 'Enter', 'PageDown', 'End', 'Escape']) await page.keyboard.press(key);
    await page.setViewportSize({ width: [1440, 1000, 400][step % 3], height: 900 });
  }
}

const folder = mkdtempSync(path.join(os.tmpdir(), 'bellwether-bench-'));
const nodes = [];
let browser;
try {
  for (let n = 0; n < NODES; n += 1) nodes.push(await BenchNode.start(`n${String(n + 1).padStart(2, '0')}`, folder, nodes[0]?.mesh));
  await until('all nodes have met', async () => {
    for (const node of nodes) {
      const members = await (await fetch(`${node.url}/v1/members`)).json();
      if (members.length !== NODES || !members.every((member) => member.in && member.out)) return false;
    }
    return true;
  });
  say(`${NODES} nodes have met`);
  let isOver = false;
  const publishing = (async () => {
    for (let n = 0; !isOver; n += 1) {
      await publish(nodes[n % NODES].url, 'events', `bench:${n % 4}`, { n, text: 'a message of the benchmark' });
      await sleep(1000 / RATE);
    }
  })();
  await sleep(5000);
  say('without a page');
  const without = await shares(nodes, () => sleep(SECONDS * 500));

  const opened = await open(nodes[0].url);
  browser = opened.browser;
  const { page } = opened;
  await until('every member is there', async () => (await page.locator('#members-table tr[data-state=alive]').count()) === NODES - 1);
  const paint = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0].startTime);
  await sleep(5000);
  say('with a page that is looked at');
  const withPage = await shares(nodes, () => sleep(SECONDS * 500));

  say('with a page that is used');
  await page.evaluate(() => {
    globalThis.frames_ = [];
    globalThis.tasks_ = [];
    let last = performance.now();
    const frame = (now) => {
      globalThis.frames_.push(now - last);
      last = now;
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
    new PerformanceObserver((list) => globalThis.tasks_.push(...list.getEntries().map((entry) => entry.duration))).observe({ type: 'longtask' });
  });
  await use(page);
  const { frames, tasks } = await page.evaluate(() => ({ frames: globalThis.frames_.slice(1), tasks: globalThis.tasks_ }));
  isOver = true;
  await publishing;

  frames.sort((a, b) => a - b);
  const longest = frames.at(-1);
  const p99 = frames[Math.floor(frames.length * 0.99)];
  const task = Math.max(0, ...tasks);
  const own = withPage[0] - without[0];
  const mean = (list) => list.reduce((sum, one) => sum + one, 0) / list.length;
  const others = mean(withPage.slice(1)) - mean(without.slice(1));
  const ms = (value) => `${value.toFixed(0)} ms`;
  const share = (value) => `${(value * 100).toFixed(2)} % of a core`;
  const met = (isMet) => (isMet ? 'met' : '**not met**');
  const rows = [
    ['the page', 'longest frame', longest, ms, 'ms', `≤ ${GOAL_FRAME_MS} ms`, longest <= GOAL_FRAME_MS],
    ['the page', '99th per cent of frames', p99, ms, 'ms', '', null],
    ['the page', 'longest task', task, ms, 'ms', '', null],
    ['the page', 'first paint', paint, ms, 'ms', '< 1 s', paint < 1000],
    ['its node', 'without the page', without[0], share, 'cores', '', null],
    ['its node', 'the page more', own, share, 'cores', '≤ 2 % of a core', own <= GOAL_CPU],
    ['another node', 'the page more', others, share, 'cores', '', null],
  ];
  const git = (...arguments_) => execFileSync('git', arguments_, { encoding: 'utf8' }).trim();
  const commit = `${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain', '--untracked-files=no') ? '+' : ''}`;
  const build = program.includes('/release/') ? 'release build' : 'no release build, which says nothing';
  console.log(`${os.cpus().length} cores (${os.cpus()[0].model}), Linux ${os.release()}, commit ${commit}, ${build}.\n`);
  console.log(`The dashboard of one of ${NODES} nodes on this machine, all of whose cores they and the browser (software rendering) share; ${RATE} messages per second; ${frames.length} frames in ${SECONDS} s.\n`);
  console.log('| of | figure | is | goal | |\n|---|---|---|---|---|');
  for (const [of, figure, value, form, , goal, isMet] of rows) console.log(`| ${of} | ${figure} | ${form(value)} | ${goal} | ${isMet === null ? '' : met(isMet)} |`);
  console.log('\n```json');
  console.log(JSON.stringify({ bench: 'dashboard', machine: { cores: os.cpus().length, cpu: os.cpus()[0].model, kernel: os.release() }, commit, settings: { nodes: NODES, seconds: SECONDS, messages_per_second: RATE } }));
  for (const [of, figure, value, , unit] of rows) console.log(JSON.stringify({ bench: 'dashboard', row: of, metric: figure, unit, value }));
  console.log('```');
} finally {
  await browser?.close();
  for (const node of nodes) node.child.kill('SIGTERM');
  await Promise.all(nodes.map((node) => (node.child.exitCode === null ? once(node.child, 'exit') : null)));
  rmSync(folder, { recursive: true, force: true });
}
