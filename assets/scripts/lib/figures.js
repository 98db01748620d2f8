// The few numbers that everything else rests on.

import { h } from "./dom.js";
import { date, number, whole } from "./format.js";
import { t } from "./page.js";

function figure(value, name, more) {
  return h("div", { class: "figure" }, h("dt", {}, name), h("dd", {}, value), h("dd", { class: "more" }, more));
}

/** Analyses, days, newest stat; `risks` adds high risks before and after treatment. */
export function figures(summary, risks) {
  const list = h("dl", { class: "figure-list" });
  if (risks) {
    const high = (state) =>
      risks[state].informational["High risks"] + risks[state].operational["High risks"];
    list.append(
      figure(
        number(high("current")),
        t("figures.high"),
        t("figures.high.after", { number: number(high("residual")) }),
      ),
    );
  }
  list.append(
    figure(whole(summary.analyses), t("figures.analyses"), t("figures.clients", { number: whole(summary.clients) })),
    figure(whole(summary.days), t("figures.days"), t("figures.stats", { number: whole(summary.stats) })),
    figure(date(summary.newest), t("figures.newest"), t("figures.oldest", { date: date(summary.oldest) })),
  );
  return list;
}
