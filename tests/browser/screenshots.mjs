// Pictures of the main pages: `node screenshots.mjs FOLDER [page…]`.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { demo } from "./service.mjs";

const PAGES = {
  overview: "", threats: "threats", evolution: "threats?view=evolution&period=week", risks: "risks",
  vulnerabilities: "vulnerabilities", cartography: "cartography", compliance: "compliance", map: "map", report: "report",
  help: "help", about: "about", api: "api/v1/",
};
const [folder = "screenshots", ...wanted] = process.argv.slice(2);
const service = await demo();
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
try {
  await mkdir(folder, { recursive: true });
  for (const theme of ["light", "dark"]) {
    for (const width of [1280, 390]) {
      const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme: theme, locale: "en" });
      const page = await context.newPage();
      page.on("console", (message) => console.log(theme, width, page.url(), message.text()));
      page.on("pageerror", (error) => console.log(page.url(), error.stack));
      for (const [name, path] of Object.entries(PAGES)) {
        if (wanted.length && !wanted.includes(name)) continue;
        await page.goto(`${service.address}/${path}`, { waitUntil: "networkidle" });
        await page.screenshot({ path: join(folder, `${name}-${width}-${theme}.png`), fullPage: true });
      }
      await context.close();
    }
  }
} finally {
  await browser.close();
  await service.stop();
}
