// The numbers behind a chart as a table that can be sorted and, if it is long, searched.

import { h } from "./dom.js";
import { date, number, percent, points } from "./format.js";
import { lang, t } from "./page.js";

/** More rows than this get a field to search in. */
const LONG = 12;

/**
 * The numbers behind a chart. A column says what its cells are; dates name the period that begins with them.
 * @typedef {{name: string, kind: "text" | "number" | "percent" | "points" | "date", period?: string}} Column
 * @typedef {{columns: Column[], rows: (string | number | null | undefined)[][]}} Table
 */

/** How each kind of column shows a value. */
export function shown(value, column) {
  if (value == null) return column.kind === "text" ? "" : "–";
  if (column.kind === "number") return number(value);
  if (column.kind === "percent") return percent(value);
  if (column.kind === "points") return points(value);
  return column.kind === "date" ? date(value, column.period) : String(value);
}

const isNumeric = ({ kind }) => ["number", "percent", "points"].includes(kind);

/** In order of a column; what is missing comes last in both directions. */
function sorted(rows, index, descending) {
  const compare = (a, b) => (typeof a === "number" ? a - b : String(a).localeCompare(String(b), lang, { numeric: true }));
  return [...rows].sort(({ [index]: a }, { [index]: b }) => {
    if (a == null || b == null) return Number(a == null) - Number(b == null);
    return descending ? compare(b, a) : compare(a, b);
  });
}

/**
 * A table's element. Cells keep the number as it came, for whoever has to compare.
 * @param {Table} table
 * @param {string} caption
 */
export function table({ columns, rows }, caption) {
  const body = h("tbody");
  const cell = (value, index) => {
    const column = columns[index];
    const text = shown(value, column);
    const exact = { "data-value": isNumeric(column) ? value : null };
    if (index === 0) return h("th", { scope: "row", ...exact }, text);
    return h("td", { class: isNumeric(column) && "number", ...exact }, text);
  };
  /** @type {{index: number, descending: boolean} | null} */
  let order = null;
  let wanted = "";
  const fill = () => {
    const found = rows.filter(
      (row) => !wanted || row.some((value, index) => shown(value, columns[index]).toLocaleLowerCase(lang).includes(wanted)),
    );
    const all = order ? sorted(found, order.index, order.descending) : found;
    body.replaceChildren(...all.map((row) => h("tr", {}, row.map(cell))));
  };
  /** @param {number} index */
  const sort = (index) => {
    // Numbers are most often looked at from the highest on.
    const first = isNumeric(columns[index]);
    const descending = order?.index === index ? !order.descending : first;
    order = { index, descending };
    heads.forEach((head, at) => {
      if (at === index) head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
    fill();
  };
  const heads = columns.map((column, index) =>
    h(
      "th",
      { scope: "col", class: isNumeric(column) && index > 0 && "number" },
      h("button", { type: "button", class: "sort", onclick: () => sort(index) }, column.name),
    ),
  );
  fill();
  const search = (event) => {
    wanted = event.target.value.trim().toLocaleLowerCase(lang);
    fill();
  };
  return [
    rows.length > LONG
      ? h("input", { type: "search", class: "search", placeholder: t("table.search"), "aria-label": t("table.search"), oninput: search })
      : "",
    h(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": t("table.of", { title: caption }) },
      h("table", {}, h("caption", { class: "hidden" }, caption), h("thead", {}, h("tr", {}, heads)), body),
    ),
  ];
}
