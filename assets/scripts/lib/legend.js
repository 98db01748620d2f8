// The legend of lines: buttons that hide and show them, for the mouse and the keyboard alike.

import { h } from "./dom.js";
import { strokeOf } from "./options.js";
import { linkTo, t } from "./page.js";

/** A legend of more lines than this gets a field to search in. */
const LONG = 15;

/** @param {NonNullable<import("./figure.js").Spec["toggles"]>} toggles */
export function legend({ series, toggle }) {
  const hidden = new Set(series.filter((one) => one.hidden).map((one) => one.key));
  const keys = series.map(({ key }) => key);
  const flip = (key) => {
    if (!hidden.delete(key)) hidden.add(key);
    toggle([...hidden]);
  };
  /** @param {(typeof series)[number]} one */
  const chip = ({ key, name, path }, index) =>
    h(
      "li",
      {},
      h(
        "button",
        { type: "button", class: "chip", "aria-pressed": String(!hidden.has(key)), "data-key": key, onclick: () => flip(key) },
        swatch(index),
        name,
      ),
      path && h("a", { class: "chip-more", href: linkTo(path), "aria-label": t("legend.page", { name }) }, "›"),
    );
  const invert = () => toggle(keys.filter((key) => !hidden.has(key)));
  const all = () => toggle([]);
  const items = series.map(chip);
  const list = h("ul", {}, items);
  const search = ({ target }) => {
    const wanted = target.value.trim().toLocaleLowerCase();
    items.forEach((item, index) => (item.hidden = !series[index].name.toLocaleLowerCase().includes(wanted)));
  };
  const field = () =>
    h("input", { type: "search", class: "search", placeholder: t("legend.search"), "aria-label": t("legend.search"), oninput: search });
  return h(
    "div",
    { class: "legend", role: "group", "aria-label": t("legend") },
    series.length > LONG && field(),
    list,
    h(
      "p",
      { class: "legend-actions" },
      h("button", { type: "button", class: "quiet", "data-action": "invert", onclick: invert }, t("legend.invert")),
      h("button", { type: "button", class: "quiet", "data-action": "all", onclick: all }, t("legend.all")),
    ),
  );
}

const SVG = "http://www.w3.org/2000/svg";

/** A piece of the line as it is drawn: its colour and its dashes. */
function swatch(index) {
  const { token, dashes } = strokeOf(index);
  const svg = document.createElementNS(SVG, "svg");
  for (const [name, value] of [
    ["width", "22"],
    ["height", "8"],
    ["aria-hidden", "true"],
  ])
    svg.setAttribute(name, value);
  const line = document.createElementNS(SVG, "line");
  const attributes = { x1: 0, x2: 22, y1: 4, y2: 4, "stroke-width": 3, class: `stroke-${token + 1}` };
  for (const [name, value] of Object.entries(attributes)) line.setAttribute(name, String(value));
  if (dashes) line.setAttribute("stroke-dasharray", dashes.join(" "));
  svg.append(line);
  return svg;
}
