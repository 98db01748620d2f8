// Tables as CSV, in two forms: for spreadsheets, in the reader's language, and for programs (RFC 4180).

import { lang } from "./page.js";

/** A cell that a spreadsheet would take for a formula becomes plain text; East Asian ones read wide signs as well. */
const harmless = (text) => (/^[=+\-@＝＋－＠\t\r\n]/.test(text) ? `'${text}` : text);

/** Quoted too if it has what separates cells elsewhere. */
function field(text) {
  return /[",;\t\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * @param {import("./table.js").Table} table
 * @param {string} separator
 * @param {(value: number) => string} numeral
 */
function lines({ columns, rows }, separator, numeral) {
  const cell = (value) => (value == null ? "" : typeof value === "number" ? numeral(value) : harmless(String(value)));
  const all = [columns.map(({ name }) => name), ...rows];
  return all.map((row) => `${row.map((value) => field(cell(value))).join(separator)}\r\n`).join("");
}

/** With a byte-order mark, and the separators that spreadsheets in this language expect. */
export function spreadsheet(table) {
  const comma = lang !== "en";
  const numeral = (value) => (comma ? String(value).replace(".", ",") : String(value));
  return `\ufeff${lines(table, comma ? ";" : ",", numeral)}`;
}

/** Commas, points, ISO dates. */
export const data = (table) => lines(table, ",", String);
