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

/** What has changed since the same days earlier; of releases, whose numbers are rounded, what their shares bear out. */
function changes({ averages, previous, year }, state, moved) {
  if (!moved) return Object.entries({ previous, year }).map(([since, then]) => change(high(averages, state), high(then, state), since));
  return Object.entries(moved).map(([since, found]) => {
    const { before, after } = found?.high?.[state] ?? {};
    return change(after, before, since);
  });
}

/** A number of high risks in words: where a published share is on its first step there may be fewer, on its last more. */
export function bounded(value, atMost, atLeast) {
  const words = { number: number(value) };
  if (atMost && atLeast) return t("figures.about", words);
  if (atMost) return t("figures.at_most", words);
  return atLeast ? t("figures.at_least", words) : words.number;
}

/** A headline of high risks now, with what has changed. */
function headline(risks, state, name, more) {
  const { trend, moved, note } = more;
  // A line of rounded numbers would show a rise that only their rounding has.
  const line = (!moved && trend && spark(highLine(trend, state))) || "";
  const now = moved && Object.values(moved).find((found) => found?.now)?.now[state];
  const value = bounded(high(risks.averages, state), now?.at_most, now?.at_least);
  return figure([value, " ", line], name, ...changes(risks, state, moved), note);
}

/**
 * Analyses, days, newest stat; `risks` adds high risks now, before and after treatment, `trend` how they came to it, `moved`
 * how they did in releases, `note` what they are of.
 * @param {import("./data.js").Summary} summary
 * @param {any} [risks]
 * @param {{trend?: any, moved?: any, note?: any}} [more]
 */
export function figures(summary, risks, more = {}) {
  return h(
    "dl",
    { class: "figure-list" },
    risks?.averages && [headline(risks, "current", t("figures.high"), more), headline(risks, "residual", t("figures.high.after"), more)],
    // Where weeks are released no count is told; the page says the band.
    summary.public_min_clients == null && [
      figure(whole(summary.analyses), plural("figures.analyses", summary.analyses), plural("figures.clients", summary.clients)),
      figure(whole(summary.days), plural("figures.days", summary.days), plural("figures.stats", summary.stats)),
    ],
    figure(date(summary.newest), t("figures.newest"), t("figures.oldest", { date: date(summary.oldest) })),
  );
}
