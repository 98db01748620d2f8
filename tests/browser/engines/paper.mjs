// The report on paper: printed by each engine in its own way, and read back with poppler.

import { execFile } from "node:child_process";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const PRINT = fileURLToPath(new URL("print.py", import.meta.url));

/** Firefox prints what its driver has before it. */
export async function printedByFirefox(browser, address, file) {
  await browser.visit(address);
  await writeFile(file, Buffer.from(await browser.ask("POST", "/print", { background: true }), "base64"));
}

/** A window of WebKit's prints. */
export const printedByWebkit = (_, address, file) => run(PRINT, [address, file], { timeout: 60_000 });

/** What reaches furthest in each direction, in points from the sheet's upper left corner. */
function extent(boxes) {
  const sides = [...boxes.matchAll(/<word xMin="(.*?)" yMin="(.*?)" xMax="(.*?)" yMax="(.*?)">/g)].map((found) => found.slice(1).map(Number));
  const [lefts, tops, rights, bottoms] = [0, 1, 2, 3].map((side) => sides.map((one) => one[side]));
  return { left: Math.min(...lefts), top: Math.min(...tops), right: Math.max(...rights), bottom: Math.max(...bottoms) };
}

/** How many sheets of what size a page takes, its text, and how far that reaches; KEEP=DIRECTORY keeps it under its name. */
export async function printed(print, browser, address, name) {
  const directory = await mkdtemp(join(tmpdir(), "monarc-stats-paper-"));
  const file = join(directory, "report.pdf");
  try {
    await print(browser, address, file);
    if (process.env.KEEP) await copyFile(file, join(process.env.KEEP, `${name}.pdf`));
    const [info, text, boxes] = await Promise.all(
      [["pdfinfo", file], ["pdftotext", file, "-"], ["pdftotext", "-bbox", file, "-"]].map(([command, ...words]) => run(command, words)),
    );
    const [, pages, width, height] = /Pages: *(\d+)[^]*Page size: *([\d.]+) x ([\d.]+) pts/.exec(info.stdout)?.map(Number) ?? [];
    return { pages, width, height, text: text.stdout, ...extent(boxes.stdout) };
  } finally {
    await rm(directory, { recursive: true });
  }
}
