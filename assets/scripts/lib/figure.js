// A chart with all that belongs to it: title, unit, period, how much it rests on, table and exports.

import { draw } from "./draw.js";
import { h } from "./dom.js";
import { whole } from "./format.js";
import { legend } from "./legend.js";
import { nothing } from "./notices.js";
import { t } from "./page.js";
import { table } from "./table.js";

/** Unit, period and basis in one line. */
export function subtitle(spec) {
  const basis = spec.stats == null ? null : t("basis.stats", { stats: whole(spec.stats) });
  return [spec.unit, spec.period, basis].filter(Boolean).join(" · ");
}

/**
 * The element of a chart. `spec`: id, title, unit, period, stats (how many it rests on), table, and either option and
 * height for what ECharts draws, or content for what is an element already; exports need option in any case.
 */
export function figure(spec) {
  const heading = h("h2", { id: `${spec.id}-title` }, spec.title);
  const caption = h("figcaption", {}, heading, h("p", { class: "unit" }, subtitle(spec)));
  const attributes = { class: `chart ${spec.wide ? "wide" : ""}`, id: spec.id, "aria-labelledby": `${spec.id}-title` };
  if (!spec.table.rows.length) return h("figure", attributes, caption, nothing());
  const picture = spec.content ?? canvas(spec);
  const numbers = h("div", { class: "numbers", hidden: true });
  const show = h("button", { type: "button", class: "quiet", "aria-expanded": "false" }, t("table.show"));
  show.addEventListener("click", () => {
    const opens = numbers.hidden;
    if (opens && !numbers.childElementCount) numbers.append(table(spec.table, spec.title));
    numbers.hidden = !opens;
    show.setAttribute("aria-expanded", String(opens));
    show.textContent = opens ? t("table.hide") : t("table.show");
  });
  const tools = h("div", { class: "tools" }, show, menu(spec));
  return h("figure", attributes, caption, spec.toggles ? legend(spec) : key(spec), picture, tools, numbers);
}

/** What colours, patterns and dashes mean. */
function key({ key: entries }) {
  const item = ({ name, swatch }) => h("li", {}, h("span", { class: `swatch ${swatch}`, "aria-hidden": "true" }), name);
  return entries && h("ul", { class: "key" }, entries.map(item));
}

function canvas(spec) {
  const text = `${spec.title}: ${subtitle(spec)}. ${t("chart.see_table")}`;
  const element = h("div", { class: "canvas", role: "img", "aria-label": text });
  draw(element, spec);
  return element;
}

/** The exports; their code is fetched when one is asked for. */
function menu(spec) {
  const details = h("details", { class: "exports" }, h("summary", { class: "quiet" }, t("export")));
  const item = (form, text) => {
    const save = async () => {
      details.open = false;
      await (await import("./exports.js")).save(spec, form);
    };
    return h("li", {}, h("button", { type: "button", "data-form": form, onclick: save }, text));
  };
  const items = [
    item("png", t("export.png")),
    item("svg", t("export.svg")),
    item("spreadsheet", t("export.spreadsheet")),
    item("data", t("export.data")),
  ];
  details.append(h("ul", {}, items));
  details.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      details.open = false;
      details.firstElementChild.focus();
    }
  });
  return details;
}
