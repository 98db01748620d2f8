// The choices above the charts: groups of radio buttons that look like one bar, folded away where there is little room.

import { byId, h } from "./dom.js";
import { t } from "./page.js";

/**
 * One group: `options` are [value, text] pairs.
 * @param {import("./state.js").Choices} state
 * @param {string} name
 * @param {string} legend
 * @param {string[][]} options
 */
export function group(state, name, legend, options) {
  const current = state.get(name);
  const choices = options.map(([value, text]) =>
    h(
      "label",
      {},
      h("input", { type: "radio", name, value, checked: value === current, onchange: () => state.set(name, value) }),
      h("span", {}, text),
    ),
  );
  return h("fieldset", { class: "choice" }, h("legend", {}, legend), h("div", { class: "bar" }, choices));
}

/**
 * A day of one's own, as a plain form: it leads to the address that says so, with all other choices but one, whose place it takes.
 * @param {import("./state.js").Choices} state
 * @param {string} name
 * @param {string} legend
 * @param {string} instead
 */
export function dayForm(state, name, legend, instead) {
  const others = [...new URLSearchParams(location.search)].filter(([other]) => other !== name && other !== instead);
  const yesterday = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
  const field = { type: "date", name, value: state.get(name), min: "1970-01-01", max: yesterday, required: true };
  return h(
    "form",
    { class: "choice day" },
    h("label", {}, h("span", {}, legend), h("input", field)),
    others.map(([other, value]) => h("input", { type: "hidden", name: other, value })),
    h("button", { class: "quiet" }, t("show")),
  );
}

/** Puts the groups on the page; whoever used one by keyboard stays where they were. */
export function controls(...groups) {
  const place = byId("controls");
  const active = document.activeElement;
  const focused = active instanceof HTMLInputElement && place.contains(active) && active.name;
  const shown = groups.filter(Boolean);
  if (!place.childElementCount) {
    const wide = matchMedia("(min-width: 45rem)");
    const details = h("details", { class: "filters" }, h("summary", { class: "quiet" }, t("filters")), h("div", { class: "groups" }));
    const follow = () => (details.open = wide.matches);
    wide.addEventListener("change", follow);
    follow();
    place.append(details);
  }
  place.querySelector(".groups")?.replaceChildren(...shown);
  if (focused) /** @type {HTMLElement | null} */ (place.querySelector(`input[name="${focused}"]:checked`))?.focus();
}

/** How far back, the usual choice first; "now" are the newest seven days with stats. */
export const DAYS = ["365", "30", "90", "1095", "36500"];
export const DAYS_OR_NOW = ["now", ...DAYS];

/** How much time one value stands for: it follows from how far back one looks, unless somebody chooses. */
export function periods(choices) {
  const usual = { 30: "day", 90: "week", 1095: "quarter", 36500: "quarter" }[choices.get("days")] ?? "month";
  return [usual, "day", "week", "month", "quarter", "year"];
}

/** How far back. */
export function daysGroup(state, withNow = false) {
  return group(state, "days", t("days"), [
    ...(withNow ? [["now", t("days.now")]] : []),
    ["30", t("days.30")],
    ["90", t("days.90")],
    ["365", t("days.365")],
    ["1095", t("days.1095")],
    ["36500", t("days.all")],
  ]);
}

export const COMPARE = ["previous", "year", "none"];

/** What the numbers are compared with. */
export function compareGroup(state, days) {
  return group(state, "compare", t("compare"), [
    ["previous", days === "now" ? t("compare.3_months") : t("compare.period")],
    ["year", t("compare.12_months")],
    ["none", t("compare.none")],
  ]);
}

/** How much time one value stands for. */
export function periodGroup(state) {
  return group(state, "period", t("period"), [
    ["day", t("period.day")],
    ["week", t("period.week")],
    ["month", t("period.month")],
    ["quarter", t("period.quarter")],
  ]);
}

/** Informational or operational risks. */
export function riskGroup(state) {
  return group(state, "risk", t("risk.kind"), [
    ["informational", t("risk.informational")],
    ["operational", t("risk.operational")],
  ]);
}

/** What the days of a choice are called in a caption. */
export function daysText(days) {
  const texts = {
    now: t("days.last.now"),
    30: t("days.last.30"),
    90: t("days.last.90"),
    365: t("days.last.365"),
    1095: t("days.last.1095"),
    36500: t("days.last.all"),
  };
  return texts[days];
}
