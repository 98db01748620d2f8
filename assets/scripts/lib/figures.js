// The few numbers that everything else rests on.

import { change } from "./compared.js";
import { h } from "./dom.js";
import { date, number, whole } from "./format.js";
import { plural, t } from "./page.js";

function figure(value, name, ...more) {
  const lines = more.filter(Boolean).map((text) => h("dd", { class: "more" }, text));
  return h("div", { class: "figure" }, h("dt", {}, name), h("dd", {}, value), lines);
}

const high = (tree, state) => tree && tree[state].informational["High risks"] + tree[state].operational["High risks"];

/** A headline of high risks now, with what has changed since the same days earlier. */
function headline({ averages, previous, year }, state, name) {
  const now = high(averages, state);
  return figure(number(now), name, change(now, high(previous, state), "previous"), change(now, high(year, state), "year"));
}

/**
 * Analyses, days, newest stat; `risks` adds high risks now, before and after treatment.
 * @param {import("./data.js").Summary} summary
 * @param {any} [risks]
 */
export function figures(summary, risks) {
  return h(
    "dl",
    { class: "figure-list" },
    risks?.averages && [headline(risks, "current", t("figures.high")), headline(risks, "residual", t("figures.high.after"))],
    // Where weeks are released no count is told; the page says the band.
    summary.public_min_clients == null && [
      figure(whole(summary.analyses), plural("figures.analyses", summary.analyses), plural("figures.clients", summary.clients)),
      figure(whole(summary.days), plural("figures.days", summary.days), plural("figures.stats", summary.stats)),
    ],
    figure(date(summary.newest), t("figures.newest"), t("figures.oldest", { date: date(summary.oldest) })),
  );
}
