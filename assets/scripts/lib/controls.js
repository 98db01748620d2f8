// The choices above the charts: groups of radio buttons that look like one bar.

import { h } from "./dom.js";
import { t } from "./page.js";

/** One group: `options` are [value, text] pairs. */
export function group(state, name, legend, options) {
  const current = state.get(name);
  const choices = options.map(([value, text]) =>
    h(
      "label",
      {},
      h("input", {
        type: "radio",
        name,
        value,
        checked: value === current,
        onchange: () => state.set(name, value),
      }),
      h("span", {}, text),
    ),
  );
  return h("fieldset", { class: "choice" }, h("legend", {}, legend), h("div", { class: "bar" }, choices));
}

export const DAYS = ["365", "30", "90", "1095", "36500"];
export const PERIODS = ["month", "day", "week", "quarter", "year"];

/** How far back. */
export function daysGroup(state) {
  return group(state, "days", t("days"), [
    ["30", t("days.30")],
    ["90", t("days.90")],
    ["365", t("days.365")],
    ["1095", t("days.1095")],
    ["36500", t("days.all")],
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
    30: t("days.last.30"),
    90: t("days.last.90"),
    365: t("days.last.365"),
    1095: t("days.last.1095"),
    36500: t("days.last.all"),
  };
  return texts[days];
}
