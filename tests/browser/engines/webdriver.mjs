// As much of W3C WebDriver as the tests need, spoken to a driver that is started for them.

import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PATIENCE = 30_000;
const ELEMENT = "element-6066-11e4-a52e-4f735466cecf";

/** Asks again and again, as long as a person would wait. */
async function until(what, ask) {
  for (const end = Date.now() + PATIENCE; Date.now() < end; await new Promise((done) => setTimeout(done, 50))) {
    const found = await ask();
    if (found) return found;
  }
  throw new Error(`in vain: ${what}`);
}

/** A port that is free: one of the drivers does not say which it took. */
const freePort = () =>
  new Promise((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
      server.close(() => done(port));
    });
  });

async function call(address, method, path, body) {
  const headers = { "Content-Type": "application/json" };
  const response = await fetch(address + path, { method, headers, body: body && JSON.stringify(body) });
  const { value } = /** @type {any} */ (await response.json());
  if (!response.ok) throw new Error(`${method} ${path}: ${value.error}: ${value.message}`);
  return value;
}

const ready = (address) =>
  call(address, "GET", "/status").then(
    (status) => status.ready,
    () => false,
  );

/** Starts a driver in a home of its own, where downloads go too: its address, their folder, and how to end it. */
async function driver(command) {
  const home = await mkdtemp(join(tmpdir(), "monarc-stats-engine-"));
  const downloads = join(home, "downloads");
  await Promise.all([mkdir(downloads), mkdir(join(home, ".config"))]);
  await writeFile(join(home, ".config/user-dirs.dirs"), 'XDG_DOWNLOAD_DIR="$HOME/downloads"\n');
  const port = await freePort();
  const environment = { PATH: process.env.PATH, DISPLAY: process.env.DISPLAY, HOME: home, LANG: "C.UTF-8" };
  const child = spawn(command, [`--port=${port}`], { env: environment, cwd: downloads, stdio: "ignore" });
  const ended = new Promise((done) => child.once("exit", done));
  const end = async () => {
    child.kill();
    await ended;
    await rm(home, { recursive: true, force: true });
  };
  return { address: `http://127.0.0.1:${port}`, downloads, end };
}

/** A browser that a driver steers; both end together. */
async function steer(command, capabilities) {
  const { address, downloads, end } = await driver(command);
  try {
    await until(`${command} answers`, () => ready(address));
    const wanted = { capabilities: { alwaysMatch: capabilities(downloads) } };
    const session = `/session/${(await call(address, "POST", "/session", wanted)).sessionId}`;
    const ask = (method, path, body) => call(address, method, session + path, body);
    return new Browser(ask, downloads, () => ask("DELETE", "").finally(end));
  } catch (error) {
    await end();
    throw error;
  }
}

class Browser {
  constructor(ask, downloads, end) {
    this.ask = ask;
    this.downloads = downloads;
    this.end = end;
  }

  /** What a function gives that runs in the page. */
  run(inPage, ...args) {
    return this.ask("POST", "/execute/sync", { script: `return (${inPage}).apply(null, arguments)`, args });
  }

  /** A property of all elements that a selector finds. */
  read(css, property) {
    return this.run((css, property) => Array.from(document.querySelectorAll(css), (one) => one[property]), css, property);
  }

  /** Waits until a function gives true in a page on which nothing is on its way any more. */
  until(inPage, ...args) {
    const settled = () => document.readyState === "complete" && !document.querySelector("[aria-busy], .loading");
    // While one page makes room for the next there is none to ask.
    const ask = () => this.run(`(...args) => (${settled})() && (${inPage})(...args)`, ...args).catch(() => false);
    return until(`${inPage} ${args}`, ask);
  }

  /** Goes to an address and waits until everything on it has come. */
  async visit(url) {
    await this.ask("POST", "/url", { url });
    await this.until(() => true);
  }

  /** Clicks where a person would. */
  async click(css) {
    const found = await this.ask("POST", "/element", { using: "css selector", value: css });
    await this.ask("POST", `/element/${found[ELEMENT]}/click`, {});
  }

  /** Makes the window as narrow as a phone, or as near to it as the browser goes. */
  narrow() {
    return this.ask("POST", "/window/rect", { width: 390, height: 800 });
  }

  back() {
    return this.ask("POST", "/back", {});
  }

  /** The file that a click brings, once it is whole; it is taken away, so that the next may have its name. */
  async saved(name, click) {
    await click();
    const path = join(this.downloads, name);
    const bytes = await until(`download of ${name}`, async () => {
      const there = await readdir(this.downloads);
      return there.length === 1 && there[0] === name && (await readFile(path)).length && readFile(path);
    });
    await rm(path);
    return bytes;
  }
}

/** Firefox, without a screen. */
export const firefox = () =>
  steer(process.env.GECKODRIVER, (downloads) => ({
    "moz:firefoxOptions": {
      binary: "/usr/bin/firefox-esr",
      args: ["-headless", "-width", "1280", "-height", "900"],
      prefs: { "browser.download.folderList": 2, "browser.download.dir": downloads },
    },
  }));

/** WebKit's own MiniBrowser. */
export const webkit = () => steer("WebKitWebDriver", () => ({}));
