// The few numbers that everything else rests on.

import { change } from "./compared.js";
import { h } from "./dom.js";
import { date, number, whole } from "./format.js";
import { plural, t } from "./page.js";
import { spark } from "./spark.js";

function figure(value, name, ...more) {
  const lines = more.filter(Boolean).map((text) => h("dd", { class: "more" }, text));
  return h("div", { class: "figure" }, h("dt", {}, name), h("dd", {}, value), lines);
}

/** High risks month by month; months that a kind has no stats of are left out. Without them a headline has no line. */
function highLine(tree, state) {
  const values = (kind) => tree[state]?.[kind]?.["High risks"] ?? [];
  const [some, others] = ["informational", "operational"].map((kind) => new Map(values(kind).map(({ date: of, value }) => [of, value])));
  return [...some].filter(([of]) => others.has(of)).map(([of, value]) => value + others.get(of));
}

const high = (tree, state) => tree && tree[state].informational["High risks"] + tree[state].operational["High risks"];

/** A headline of high risks now, with what has changed since the same days earlier. */
function headline({ averages, previous, year }, state, name, trend) {
  const now = high(averages, state);
  const line = (trend && spark(highLine(trend, state))) ?? "";
  return figure([number(now), " ", line], name, change(now, high(previous, state), "previous"), change(now, high(year, state), "year"));
}

/**
 * Analyses, days, newest stat; `risks` adds high risks now, before and after treatment, `trend` how they came to it.
 * @param {import("./data.js").Summary} summary
 * @param {any} [risks]
 * @param {any} [trend]
 */
export function figures(summary, risks, trend) {
  return h(
    "dl",
    { class: "figure-list" },
    risks?.averages && [headline(risks, "current", t("figures.high"), trend), headline(risks, "residual", t("figures.high.after"), trend)],
    // Where weeks are released no count is told; the page says the band.
    summary.public_min_clients == null && [
      figure(whole(summary.analyses), plural("figures.analyses", summary.analyses), plural("figures.clients", summary.clients)),
      figure(whole(summary.days), plural("figures.days", summary.days), plural("figures.stats", summary.stats)),
    ],
    figure(date(summary.newest), t("figures.newest"), t("figures.oldest", { date: date(summary.oldest) })),
  );
}
