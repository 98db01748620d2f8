// Bundles scripts and styles, prepares the world map, and writes them with hashed names, beside a manifest that gives them by
// their plain names: `node build.mjs OUT`, with the environment that cargo gives to build scripts. build.rs compresses them.

import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import * as esbuild from "esbuild";
import { feature } from "topojson-client";
import { licences } from "./licences.mjs";

const out = process.argv[2] ?? "dist";

/**
 * zrender measures each text once and keeps the result under the text itself in a plain object: a threat called
 * `__proto__` then changes what all objects inherit, and every picture of its page. Without a prototype it is a name.
 */
const plainNames = {
  name: "plain-names",
  setup({ onLoad }) {
    onLoad({ filter: /zrender[\\/]lib[\\/]core[\\/]LRU\.js$/ }, async ({ path }) => {
      const text = await readFile(path, "utf8");
      const contents = text.replaceAll("this._map = {};", "this._map = Object.create(null);");
      if (contents === text || contents.includes("_map = {}")) throw new Error(`${path} is not as it was: look at plainNames again`);
      return { contents, loader: "js" };
    });
  },
};

/** One page's script is one entry point, and so is a part that pages fetch when they need it; what they share becomes chunks. */
async function bundle() {
  const scripts = async (folder) => (await readdir(folder)).filter((name) => name.endsWith(".js")).map((name) => `${folder}/${name}`);
  const result = await esbuild.build({
    entryPoints: [...(await scripts("scripts/pages")), ...(await scripts("scripts/parts")), "styles/app.css"],
    outdir: join(out, "web"),
    bundle: true,
    splitting: true,
    format: "esm",
    target: ["es2022", "chrome109", "firefox115", "safari16"],
    minify: true,
    legalComments: "none",
    plugins: [plainNames],
    entryNames: "[name]-[hash]",
    chunkNames: "shared-[hash]",
    metafile: true,
    write: false,
    logLevel: "warning",
  });
  return result;
}

/** Runs before the first paint, as a plain script, so that a chosen theme never flashes. */
async function early() {
  const { code } = await esbuild.transform(await readFile("scripts/theme.js", "utf8"), { minify: true });
  return code;
}

/** Borders of all countries, in the form ECharts reads; a hundredth of a degree is less than a pixel here. */
async function world() {
  const topology = JSON.parse(await readFile("node_modules/world-atlas/countries-110m.json", "utf8"));
  const { features } = feature(topology, topology.objects.countries);
  const round = (value) => (Array.isArray(value) ? value.map(round) : Math.round(value * 100) / 100);
  return JSON.stringify({
    type: "FeatureCollection",
    features: features.map(({ properties, geometry }) => ({
      type: "Feature",
      properties: { name: properties.name },
      geometry: { type: geometry.type, coordinates: round(geometry.coordinates) },
    })),
  });
}

/** The texts of the pages, by language. */
async function texts() {
  const all = {};
  for (const code of ["en", "fr", "de", "nl"]) all[code] = JSON.parse(await readFile(`texts/${code}.json`, "utf8"));
  return JSON.stringify(all);
}

/** The npm packages whose code is in the bundle. */
function bundled(metafile) {
  const inputs = Object.values(metafile.outputs).flatMap((output) => Object.keys(output.inputs));
  const names = inputs.map((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]).filter(Boolean);
  return [...new Set([...names, "world-atlas"])];
}

function hashed(stem, extension, text) {
  return `${stem}-${createHash("sha256").update(text).digest("hex").slice(0, 8)}${extension}`;
}

/** The chunks an entry point imports, directly or not: the page asks for them at once. */
function imports(outputs, path, seen = new Set()) {
  for (const one of outputs[path].imports.filter(({ kind }) => kind === "import-statement")) {
    if (!seen.has(one.path)) {
      seen.add(one.path);
      imports(outputs, one.path, seen);
    }
  }
  return [...seen].map((one) => basename(one));
}

async function main() {
  const web = join(out, "web");
  await mkdir(web, { recursive: true });
  const { outputFiles, metafile } = await bundle();
  /** @type {[string, Uint8Array][]} */
  const files = outputFiles.map(({ path, contents }) => [basename(path), Buffer.from(contents)]);
  const theme = await early();
  const map = await world();
  const named = { theme: hashed("theme", ".js", theme), world: hashed("world", ".json", map) };
  files.push([named.theme, Buffer.from(theme)], [named.world, Buffer.from(map)]);
  const entries = Object.entries(metafile.outputs)
    .flatMap(([path, { entryPoint }]) => (entryPoint ? [{ path, entry: basename(entryPoint, ".js") }] : []))
    .map(({ path, entry }) => [entry, basename(path), imports(metafile.outputs, path)]);
  for (const [name, bytes] of files) await writeFile(join(web, name), bytes);
  for (const [entry, name] of Object.entries(named)) entries.push([entry, name, []]);
  const manifest = Object.fromEntries(entries.map(([entry, file, needs]) => [entry, { file, imports: needs }]));
  await writeFile(join(out, "manifest.json"), JSON.stringify(manifest));
  const { TARGET } = process.env;
  if (!TARGET) throw new Error("TARGET is not set: cargo sets it for build scripts");
  for (const [name, text] of [
    ["licences", await licences(bundled(metafile), TARGET)],
    ["openapi", await readFile("openapi.json", "utf8")],
    ["texts", await texts()],
    ["catalogue", await readFile("../src/demo/catalogue.json", "utf8")],
  ])
    await writeFile(join(out, `${name}.json`), text);
}

await main();
