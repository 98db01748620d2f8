// The dashboard behind Debian's Apache, below the path of a site, with the very file of packaging/proxy.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chown, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { launch, open, visit } from "./browser.mjs";
import { demo } from "./service.mjs";

const NOBODY = 65534;
const isRoot = process.getuid?.() === 0;

/** A port that was free a moment ago. */
const freePort = () =>
  new Promise((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
      server.close(() => done(port));
    });
  });

/** Starts Apache in front of a service; again if somebody else was given the port meanwhile. */
async function apache(service, tries = 5) {
  const directory = await mkdtemp(join(tmpdir(), "monarc-stats-apache-"));
  const port = await freePort();
  const file = await readFile(new URL("../../packaging/proxy/apache-prefix.conf", import.meta.url), "utf8");
  const modules = ["proxy", "proxy_http", "headers"].map((name) => `Include /etc/apache2/mods-available/${name}.load`);
  await writeFile(
    join(directory, "server.conf"),
    [
      `ServerRoot ${directory}`,
      "ServerName localhost",
      `PidFile ${directory}/pid`,
      `DefaultRuntimeDir ${directory}`,
      `ErrorLog ${directory}/error.log`,
      `Listen 127.0.0.1:${port}`,
      "IncludeOptional /etc/apache2/mods-enabled/*.load",
      "IncludeOptional /etc/apache2/mods-enabled/*.conf",
      ...modules,
      `<VirtualHost 127.0.0.1:${port}>`,
      file.replace("127.0.0.1:5005", new URL(service.address).host),
      "</VirtualHost>",
      "",
    ].join("\n"),
  );
  if (isRoot) await chown(directory, NOBODY, NOBODY);
  const user = isRoot ? { uid: NOBODY, gid: NOBODY } : {};
  const child = spawn("/usr/sbin/apache2", ["-D", "FOREGROUND", "-f", join(directory, "server.conf")], { stdio: "ignore", ...user });
  const ended = new Promise((done) => child.once("exit", done));
  const stop = async () => {
    child.kill("SIGTERM");
    await ended;
    await rm(directory, { recursive: true, force: true });
  };
  const address = `http://127.0.0.1:${port}/dashboardBO`;
  while (child.exitCode === null) {
    if (
      await fetch(`${address}/healthz`).then(
        (response) => response.ok,
        () => false,
      )
    )
      return { address, stop };
    await setTimeout(10);
  }
  const log = await readFile(join(directory, "error.log"), "utf8");
  await stop();
  if (tries > 1) return apache(service, tries - 1);
  throw new Error(`Apache does not start: ${log}`);
}

test("the dashboard is drawn behind Apache, below the path of a site", { timeout: 180_000 }, async () => {
  const service = await demo({ FIX_PROXY: "1", PUBLIC_MIN_CLIENTS: "1" }, 30);
  const proxy = await apache(service);
  const browser = await launch();
  try {
    const page = await open(browser, proxy);
    for (const path of ["", "threats", "threats?view=evolution", "risks", "cartography", "compliance", "map", "report", "api/v1/"]) {
      await visit(page, proxy, path);
      const figures = await page.locator("figure").count();
      const drawn = await page
        .locator("figure")
        .evaluateAll((all) => all.filter((one) => one.querySelector(".canvas, .ranking, .levels, .heat, .first")).length);
      assert.equal(drawn, figures, path);
      assert.ok(figures > 0 || path === "api/v1/", path);
    }
    await page.goto(`${proxy.address}/`);
    await page.locator("nav a", { hasText: "Risks" }).first().click();
    await page.waitForURL(`${proxy.address}/risks`);
    assert.deepEqual(page.noticed, []);
  } finally {
    await browser.close();
    await proxy.stop();
    await service.stop();
  }
});
