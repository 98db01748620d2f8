// The built binary, started for a test and ended with it.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
export const binary = process.env.MONARC_STATS ?? join(process.env.CARGO_TARGET_DIR ?? join(root, "target"), "debug/monarc-stats");

/** Every page that shows or explains figures, in whatever mode; OBJECT stands for a threat's UUID. */
export const PAGES = [
  "",
  "threats",
  "threats?view=evolution",
  "threats?view=first",
  "threats/OBJECT",
  "vulnerabilities",
  "risks",
  "cartography",
  "compliance",
  "compliance?view=evolution",
  "trends",
  "report",
  "help",
  "about",
];

/** A date some days ago. */
export const ago = (days) => new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);

/** Stores stats as an admin. */
export async function store(service, items) {
  const response = await fetch(`${service.address}/api/v1/stats/`, {
    method: "POST",
    headers: { "X-API-KEY": "admin-token-of-a-test", "Content-Type": "application/json" },
    body: JSON.stringify(items),
  });
  assert.equal(response.status, 201, await response.text());
}

/** Starts `monarc-stats WORDS` on a free port; gives its address and how to end it. */
export async function start(words, variables = {}) {
  const directory = await mkdtemp(join(tmpdir(), "monarc-stats-browser-"));
  const environment = { PATH: process.env.PATH, HOME: directory, STATS_DATABASE: join(directory, "stats.db"), ...variables };
  const child = spawn(binary, [...words, "--port", "0"], { env: environment, stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  child.stderr.on("data", (text) => (log += text));
  const address = await new Promise((done, fail) => {
    child.stdout.once("data", (line) => done(/http:\/\/[^,\s]+/.exec(String(line))?.[0]));
    child.once("error", fail);
    child.once("exit", () => fail(new Error(`${binary} ended: ${log}`)));
  });
  const stop = async () => {
    if (child.exitCode === null) {
      child.kill("SIGTERM");
      await new Promise((done) => child.once("exit", done));
    }
    await rm(directory, { recursive: true, force: true });
  };
  /** Runs a command on the same store; gives what it prints. */
  const run = (...more) => execFileSync(binary, more, { env: environment, encoding: "utf8" });
  return { address, stop, run, log: () => log };
}

/** A demo; without wishes the one that `run` started for all tests, since filling a year takes a while. */
export const demo = async (variables, days) =>
  process.env.DEMO && !variables ? { address: process.env.DEMO, stop: async () => {} } : newDemo(variables, days);
const newDemo = (variables, days) => start(["demo", ...(days ? ["--days", String(days)] : [])], { MOSP_URL: "", ...variables });
export const serve = (variables) => start(["serve"], { ADMIN_TOKEN: "admin-token-of-a-test", MOSP_URL: "", ...variables });

export async function json(service, path) {
  const response = await fetch(`${service.address}/${path}`);
  assert.equal(response.status, 200, path);
  return response.json();
}

/** What moved since a horizon, once the service has computed it: that is a few seconds after its start. */
export async function trends(service, horizon = "quarter") {
  for (;;) {
    const answer = await json(service, `stats/trends.json?period=${horizon}`);
    if (answer.newest) return answer[horizon];
    await new Promise((done) => setTimeout(done, 50));
  }
}
