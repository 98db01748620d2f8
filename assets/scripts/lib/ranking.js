// A ranking as a list of buttons with bars: readable at every width, and usable without a mouse.

import { detail } from "./detail.js";
import { h } from "./dom.js";
import { number } from "./format.js";
import { measureName, rankingTable, unitOf } from "./ranked.js";
import { ranking } from "./options.js";

function row(kind, one, measure, most, position) {
  const value = one.averages[measure];
  const bar = h("span", { class: "rank-bar" });
  bar.style.width = `${most > 0 ? (100 * value) / most : 0}%`;
  return h(
    "li",
    {},
    h(
      "button",
      { type: "button", class: "rank", "data-object": one.object, onclick: () => detail(kind, one) },
      h("span", { class: "rank-name" }, h("span", { class: "rank-position" }, `${position}. `), one.name),
      h("span", { class: "rank-value" }, number(value)),
      h("span", { class: "rank-track", "aria-hidden": "true" }, bar),
    ),
  );
}

/** The specification of a ranking's figure. */
export function rankingSpec(kind, chosen, measure, caption) {
  const values = chosen.map((one) => one.averages[measure]);
  const most = Math.max(...values, 0);
  const unit = `${measureName(kind, measure)} (${unitOf(measure)})`;
  return {
    ...caption,
    unit,
    table: rankingTable(kind, chosen),
    stillHeight: 34 * chosen.length + 60,
    content: h("ol", { class: "ranking" }, chosen.map((one, index) => row(kind, one, measure, most, index + 1))),
    option: ranking({ names: chosen.map(({ name }) => name), values, unit }),
  };
}
