// Addresses of what is shown: of the chart with its choices, of its numbers for programs, and names of files after them.

import { at } from "./page.js";

/** What says how something is shown, not what. */
const OF_VIEW = ["embed", "chart"];
/** What is no part of a file's name: it would be longer than all else, or is in the file. */
const UNNAMED = [...OF_VIEW, "lang", "hide"];

/** Where the chart is seen again as it is now. */
export function exactAddress(id) {
  const url = new URL(location.href);
  OF_VIEW.forEach((name) => url.searchParams.delete(name));
  url.hash = id;
  return url.href;
}

/** Where the chart is alone, for a frame in another page. */
export function embedAddress(id) {
  const url = new URL(exactAddress(id));
  url.hash = "";
  url.searchParams.set("embed", "1");
  url.searchParams.set("chart", id);
  return url.href;
}

/** Where programs find the numbers: `csv` is the name of a table and its arguments. */
export function csvAddress([table, parameters = {}]) {
  const known = Object.entries(parameters).filter(([name, value]) => value != null && !(name === "days" && value === "now"));
  const query = new URLSearchParams(known).toString();
  return at(`data/${table}/data.csv`) + (query ? `?${query}` : "");
}

/** The beginning of a file's name: the chart, then the choices that are not the usual ones. */
export function fileStem(id) {
  const chosen = [...new URLSearchParams(location.search)]
    .filter(([name]) => !UNNAMED.includes(name))
    .map((pair) => pair.join("-"))
    .sort();
  return ["monarc", id, ...chosen]
    .join("-")
    .replaceAll(/[^A-Za-z0-9-]+/g, "_")
    .slice(0, 150);
}

/** Copies a text. Browsers give their clipboard to secure pages only; elsewhere a field that is selected does. */
export async function copy(text) {
  if (navigator.clipboard && isSecureContext) return navigator.clipboard.writeText(text);
  const field = Object.assign(document.createElement("textarea"), { value: text });
  document.body.append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  if (!copied) throw new Error("copy");
}
