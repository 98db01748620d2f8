// Pictures of the pages: `node screenshots.mjs FOLDER [page…]`; with `--readme` the two that the README shows.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { json, launch, open, trends, visit } from "./browser.mjs";
import { demo } from "./service.mjs";

const PAGES = {
  overview: "",
  threats: "threats",
  first: "threats?view=first",
  object: "threats/OBJECT",
  gaps: "compliance?view=evolution",
  evolution: "threats?view=evolution&period=week",
  risks: "risks",
  vulnerabilities: "vulnerabilities",
  cartography: "cartography",
  compliance: "compliance",
  trends: "trends",
  map: "map",
  report: "report",
  help: "help",
  about: "about",
  api: "api/v1/",
};
const README = [
  { name: "overview", path: "", theme: "light", size: { width: 1120, height: 800 } },
  { name: "evolution", path: "threats?view=evolution&period=week", theme: "dark", size: { width: 1120, height: 800 }, of: "figure" },
];

/** Of a part of a page, of all of it, or of what one sees first. */
async function picture(browser, service, { path, theme, size, file, of = "", whole = false }) {
  const page = await open(browser, service, { viewport: size, colorScheme: theme });
  const [{ object }] = path.includes("OBJECT") ? await json(service, "stats/threats.json") : [{}];
  await visit(page, service, path.replace("OBJECT", object));
  await (of ? page.locator(of).screenshot({ path: file }) : page.screenshot({ path: file, fullPage: whole }));
  page.noticed.forEach((text) => console.error(`${file}: ${text}`));
  await page.context().close();
}

const words = process.argv.slice(2).filter((word) => !word.startsWith("--"));
const [folder = "screenshots", ...wanted] = words;
const every = ["light", "dark"].flatMap((theme) =>
  [1280, 390].flatMap((width) =>
    Object.entries(PAGES)
      .filter(([name]) => !wanted.length || wanted.includes(name))
      .map(([name, path]) => ({ name: `${name}-${width}-${theme}`, path, theme, size: { width, height: 800 }, whole: true })),
  ),
);
await mkdir(folder, { recursive: true });
const [service, browser] = await Promise.all([demo(), launch()]);
await trends(service);
try {
  for (const one of process.argv.includes("--readme") ? README : every) {
    await picture(browser, service, { ...one, file: join(folder, `${one.name}.png`) });
  }
} finally {
  await browser.close();
  await service.stop();
}
