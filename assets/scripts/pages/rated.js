// Threats and vulnerabilities: who leads, what to look at first, and how it came to that.

import "../lib/shell.js";
import { bubbleSpec } from "../lib/bubbles.js";
import { spanOf } from "../lib/compared.js";
import { COMPARE, compareGroup, controls, DAYS, DAYS_OR_NOW, daysGroup, group, periodGroup, periods } from "../lib/controls.js";
import { summary } from "../lib/data.js";
import { byId } from "../lib/dom.js";
import { figure } from "../lib/figure.js";
import { introduce, shower } from "../lib/notices.js";
import { lineFinding, lines } from "../lib/options.js";
import { isReleased, page as kind, t } from "../lib/page.js";
import { comparedObjects, evolution, founded, MEASURES, measureName, objects, ranked, unitOf, yearLines } from "../lib/ranked.js";
import { rankingSpec } from "../lib/ranking.js";
import { state } from "../lib/state.js";

const isOld = location.pathname.replace(/\/+$/, "").endsWith("/evolution");
const VIEWS = ["ranking", "first", "evolution"];
const isEvolution = () => choices.get("view") === "evolution";
const choices = state(
  {
    view: isOld ? ["evolution", ...VIEWS] : VIEWS,
    // Lines need days; a ranking says how it is now.
    days: (all) => (all.get("view") === "evolution" ? DAYS : DAYS_OR_NOW),
    period: periods,
    compare: COMPARE,
    by: MEASURES,
    order: ["highest", "lowest"],
    n: ["10", "5", "15", "all"],
    few: ["0", "1"],
    hide: null,
  },
  () => show(),
);

function choose() {
  const view = choices.get("view");
  controls(
    group(choices, "view", t("view"), [
      ["ranking", t("view.ranking")],
      ["first", t("view.first")],
      ["evolution", t("view.evolution")],
    ]),
    daysGroup(choices, view !== "evolution"),
    view === "evolution" && periodGroup(choices),
    view !== "first" &&
      group(
        choices,
        "by",
        t("by"),
        MEASURES.map((measure) => [measure, measureName(kind, measure)]),
      ),
    view !== "first" &&
      group(choices, "order", t("order"), [
        ["highest", t("order.highest")],
        ["lowest", t("order.lowest")],
      ]),
    group(choices, "n", t("number"), [
      ["5", "5"],
      ["10", "10"],
      ["15", "15"],
      ["all", t("number.all")],
    ]),
    view === "ranking" && compareGroup(choices, choices.get("days")),
    // What is released has what enough organisations have, and nothing else.
    !isReleased &&
      group(choices, "few", t("few"), [
        ["0", t("few.enough")],
        ["1", t("few.all")],
      ]),
  );
}

function rankingFigure(chosen, caption) {
  const title = kind === "threats" ? t("threats.ranking") : t("vulnerabilities.ranking");
  return rankingSpec(kind, chosen, choices.get("by"), {
    ...caption,
    id: `${kind}-ranking`,
    title,
    since: choices.get("compare"),
    order: choices.get("order"),
  });
}

function bubbleFigure(all, caption) {
  const title = kind === "threats" ? t("threats.first") : t("vulnerabilities.first");
  return bubbleSpec(kind, all, choices.get("n"), { ...caption, id: `${kind}-first`, title });
}

/** @returns {import("../lib/figure.js").Spec} */
function evolutionFigure(chosen, caption) {
  const [period, measure] = [choices.get("period"), choices.get("by")];
  const { dates, series, table } = evolution(chosen, measure, period);
  const hidden = new Set(choices.get("hide").split(",").filter(Boolean));
  const visible = series.filter(({ key }) => !hidden.has(key));
  const title = kind === "threats" ? t("threats.evolution") : t("vulnerabilities.evolution");
  return {
    ...caption,
    csv: [`${kind}-over-time`, { days: choices.get("days"), period }],
    id: `${kind}-evolution`,
    title,
    unit: `${measureName(kind, measure)} (${unitOf(measure)})`,
    table,
    legend: visible.map(({ key, name }) => ({ key, name })),
    toggles: {
      series: series.map((one, index) => ({ ...one, hidden: hidden.has(one.key), path: `${kind}/${chosen[index].object}` })),
      toggle: (keys) => choices.set("hide", keys.join(",")),
    },
    height: (width) => (width < 480 ? 280 : 420),
    finding: lineFinding(visible, dates, period),
    option: lines({ dates, period, series: visible }),
  };
}

let known;
const show = shower(byId("charts"), async () => {
  choose();
  const days = choices.get("days");
  const period = isEvolution() && choices.get("period");
  const [about, window, past, lines] = await Promise.all([
    known ?? summary(),
    comparedObjects(kind, days),
    period ? objects(kind, days, period) : null,
    choices.get("view") === "ranking" ? yearLines(kind, choices.get("by")) : null,
  ]);
  known = about;
  if (!introduce(about)) return [];
  const analyses = window.analyses;
  const all = founded(window, choices.get("few") === "1");
  const chosen = ranked(all, choices.get("by"), choices.get("order"), choices.get("n"));
  const shown = { number: chosen.length, all: all.length };
  const caption = {
    period: spanOf(window),
    analyses,
    wide: true,
    csv: [kind, { days }],
    isNow: window.isNow,
    all,
    more: t("ranking.shown", shown),
  };
  if (period && past) {
    const byObject = new Map(past.map((one) => [one.object, one]));
    return [
      figure(
        evolutionFigure(
          chosen.flatMap(({ object }) => byObject.get(object) ?? []),
          caption,
        ),
      ),
    ];
  }
  return [figure(choices.get("view") === "first" ? bubbleFigure(all, caption) : rankingFigure(chosen, { ...caption, lines }))];
});
show();
