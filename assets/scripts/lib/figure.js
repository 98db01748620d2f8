// A chart with all that belongs to it: title, unit, period, how much it rests on, table and exports.

import { copy, csvAddress, embedAddress, exactAddress } from "./address.js";
import { analysesText } from "./compared.js";
import { h } from "./dom.js";
import { legend } from "./legend.js";
import { nothing } from "./notices.js";
import { part, t } from "./page.js";
import { table } from "./table.js";

/** Tables that are open: they stay so when a choice changes. */
const opened = new Set();

/**
 * A chart and all that belongs to it. `content` is an element that shows it; where there is none, ECharts draws by `option`
 * in `height` pixels, and `finding` says in a sentence what it shows. Pictures are always drawn by `option`.
 * @typedef {object} Spec
 * @property {string} id
 * @property {string} title
 * @property {string} unit
 * @property {import("./table.js").Table} table
 * @property {(tokens: import("./tokens.js").Tokens, room: Room) => object} option
 * @property {string | null} [period] the days that it is about, in words
 * @property {number | null} [analyses] how many it rests on
 * @property {string | null} [more] ends the caption
 * @property {HTMLElement} [empty] stands in place of a chart without numbers
 * @property {boolean} [wide] takes the width of the page
 * @property {HTMLElement} [content]
 * @property {(width: number) => number} [height]
 * @property {string} [finding]
 * @property {{key: string, name: string}[]} [legend] the series of a picture
 * @property {{name: string, swatch: string}[]} [key] what colours, patterns and dashes mean
 * @property {{series: {key: string, name: string, hidden: boolean, path?: string}[], toggle: (keys: string[]) => void}} [toggles]
 *   series that can be hidden; `toggle` is told which are hidden afterwards
 * @property {HTMLElement} [before] stands above the chart
 * @property {number} [stillHeight] pixels of a picture, for what grows with its rows
 * @property {[string, object?]} [csv] the table for programs that has its numbers, and its arguments
 * @property {string | null} [pictureNote] what a picture leaves out
 * @property {object} [world] borders of all countries, for a map
 * @property {(chart: import("echarts/core").EChartsType) => void} [drawn] is told each time it was drawn
 *
 * @typedef {Spec & Required<Pick<Spec, "height">>} DrawnSpec that of a chart without `content`
 * @typedef {{width: number, height: number, still?: boolean}} Room in pixels; `still` where nobody can point at it
 */

/**
 * Unit, period and basis in one line.
 * @param {Spec} spec
 */
export function subtitle(spec) {
  const basis = spec.analyses == null ? null : analysesText(spec.analyses);
  return [spec.unit, spec.period, basis, spec.more].filter(Boolean).join(" · ");
}

/** Pixels of content from which it may be divided between two sheets of paper. */
const LONG = 450;

/**
 * The element of a chart. `spec`: id, title, unit, period, analyses (how many it rests on), table, and either option,
 * height and finding (what it shows, in a sentence) for what ECharts draws, or content for what is an element already;
 * pictures need option in any case. `more` ends the caption; `csv` is the
 * table for programs that has its numbers, and its arguments.
 * @param {Spec} spec
 */
export function figure(spec) {
  const { embedded } = document.documentElement.dataset;
  // In a frame the others are not made: what nobody sees is not drawn.
  if (embedded && embedded !== spec.id) return h("figure", { id: spec.id, hidden: true });
  const isAlone = embedded === spec.id;
  const heading = h("h2", { id: `${spec.id}-title` }, spec.title);
  const caption = h("figcaption", {}, heading, h("p", { class: "unit" }, subtitle(spec)));
  const attributes = {
    class: `chart ${spec.wide ? "wide" : ""} ${isAlone ? "alone" : ""} ${(spec.stillHeight ?? 0) > LONG ? "long" : ""}`,
    id: spec.id,
    "aria-labelledby": `${spec.id}-title`,
  };
  if (!spec.table.rows.length) return h("figure", attributes, caption, spec.empty ?? nothing());
  const picture = spec.content ?? canvas(/** @type {DrawnSpec} */ (spec));
  const numbers = h("div", { class: "numbers", hidden: true });
  const show = h("button", { type: "button", class: "quiet", "aria-expanded": "false" }, t("table.show"));
  const toggle = () => {
    const opens = numbers.hidden;
    if (opens && !numbers.childElementCount) numbers.append(...table(spec.table, spec.title));
    numbers.hidden = !opens;
    show.setAttribute("aria-expanded", String(opens));
    show.textContent = opens ? t("table.hide") : t("table.show");
    if (opens) opened.add(spec.id);
    else opened.delete(spec.id);
  };
  show.addEventListener("click", toggle);
  if (opened.has(spec.id)) toggle();
  const tools = h("div", { class: "tools" }, show, menu(spec));
  return h(
    "figure",
    attributes,
    caption,
    spec.toggles ? legend(spec.toggles) : key(spec),
    spec.before ?? "",
    picture,
    tools,
    numbers,
    isAlone ? origin(spec) : "",
  );
}

/** Where an embedded chart is from. */
const origin = ({ id }) =>
  h("p", { class: "unit origin" }, h("a", { href: exactAddress(id), target: "_blank", rel: "noopener" }, t("embed.origin")));

/**
 * What colours, patterns and dashes mean.
 * @param {Pick<Spec, "key">} spec
 */
export function key({ key: entries }) {
  const item = ({ name, swatch }) => h("li", {}, h("span", { class: `swatch ${swatch}`, "aria-hidden": "true" }), name);
  return entries ? h("ul", { class: "key" }, entries.map(item)) : "";
}

/**
 * What draws is fetched with the first chart that is drawn; until then its room is kept, and it is called busy.
 * @param {DrawnSpec} spec
 */
function canvas(spec) {
  const element = h("div", { class: "canvas", role: "img", "aria-label": `${spec.title}. ${spec.finding ?? subtitle(spec)}` });
  element.style.height = `${spec.height(innerWidth < 540 ? 400 : 640)}px`;
  const failed = () => {
    element.removeAttribute("aria-busy");
    element.replaceChildren(problem(t("chart.failed"), begin));
  };
  const begin = () => {
    element.setAttribute("aria-busy", "true");
    part("draw").then(({ draw }) => draw(element, spec), failed);
  };
  begin();
  return element;
}

/** Says that a part could not be fetched, with a button to try again. */
function problem(text, again) {
  return h(
    "p",
    { class: "problem", role: "alert" },
    text,
    " ",
    h("button", { type: "button", class: "quiet", onclick: again }, t("error.again")),
  );
}

/**
 * The exports; their code is fetched when one is asked for.
 * @param {Spec} spec
 */
function menu(spec) {
  const summary = h("summary", { class: "quiet" }, t("export"));
  const details = h("details", { class: "exports" }, summary);
  const status = h("span", { class: "copied", role: "status" });
  const item = (form, text) => {
    const save = async () => {
      details.open = false;
      details.parentElement?.querySelector(".problem")?.remove();
      try {
        await (await part("exports")).save(spec, form);
      } catch (error) {
        console.debug(error);
        details.after(problem(t("export.failed"), save));
      }
    };
    return h("li", {}, h("button", { type: "button", "data-form": form, onclick: save }, text));
  };
  const copying = (form, text, what) => {
    const put = async () => {
      details.open = false;
      try {
        await copy(what());
        status.textContent = t("export.copied");
      } catch (error) {
        console.debug(error);
        status.textContent = what();
      }
    };
    return h("li", {}, h("button", { type: "button", "data-form": form, onclick: put }, text));
  };
  const frame = () =>
    `<iframe src="${embedAddress(spec.id).replaceAll("&", "&amp;")}" title="${spec.title.replaceAll("&", "&amp;").replaceAll('"', "&quot;")}" width="640" height="520"></iframe>`;
  const link = (form, text, address) => h("li", {}, h("a", { href: address, "data-form": form }, text));
  const items = [
    copying("link", t("export.link"), () => exactAddress(spec.id)),
    document.documentElement.dataset.embed && copying("embed", t("export.embed"), frame),
    spec.csv && link("address", t("export.address"), csvAddress(spec.csv)),
    spec.csv && link("metadata", t("export.metadata"), csvAddress(spec.csv).replace("/data.csv", "/metadata.json")),
    item("png", t("export.png")),
    item("svg", t("export.svg")),
    item("spreadsheet", t("export.spreadsheet")),
    item("data", t("export.data")),
  ];
  details.append(h("ul", {}, items));
  details.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      details.open = false;
      summary.focus();
    }
  });
  return [details, status];
}
