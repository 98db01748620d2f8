// The numbers behind a chart as a table.

import { h } from "./dom.js";
import { date, number, percent } from "./format.js";
import { t } from "./page.js";

/** How each kind of column shows a value. */
export function shown(value, column) {
  if (value == null) return column.kind === "text" ? "" : "–";
  if (column.kind === "number") return number(value);
  if (column.kind === "percent") return percent(value);
  return column.kind === "date" ? date(value, column.period) : String(value);
}

/** A table's element. Cells keep the number as it came, for whoever has to compare. */
export function table({ columns, rows }, caption) {
  const isNumeric = ({ kind }) => kind === "number" || kind === "percent";
  const head = columns.map((column) => h("th", { scope: "col", class: isNumeric(column) && columns.indexOf(column) > 0 && "number" }, column.name));
  const cell = (value, index) => {
    const column = columns[index];
    const text = shown(value, column);
    const exact = { "data-value": isNumeric(column) ? value : null };
    if (index === 0) return h("th", { scope: "row", ...exact }, text);
    return h("td", { class: isNumeric(column) && "number", ...exact }, text);
  };
  return h(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": t("table.of", { title: caption }) },
    h(
      "table",
      {},
      h("caption", { class: "hidden" }, caption),
      h("thead", {}, h("tr", {}, head)),
      h("tbody", {}, rows.map((row) => h("tr", {}, row.map(cell)))),
    ),
  );
}
