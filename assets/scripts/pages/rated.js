// Threats and vulnerabilities: who leads, and how it came to that.

import "../lib/shell.js";
import { DAYS, PERIODS, daysGroup, daysText, group, periodGroup } from "../lib/controls.js";
import { byId } from "../lib/dom.js";
import { figure } from "../lib/figure.js";
import { introduce, shower } from "../lib/notices.js";
import { summary } from "../lib/data.js";
import { lines } from "../lib/options.js";
import { page as kind, t } from "../lib/page.js";
import { MEASURES, basis, evolution, measureName, objects, ranked, spanOf, unitOf } from "../lib/ranked.js";
import { rankingSpec } from "../lib/ranking.js";
import { state } from "../lib/state.js";

/** More lines than this cannot be told apart. */
const MOST_LINES = 20;

const isOld = location.pathname.replace(/\/+$/, "").endsWith("/evolution");
const choices = state(
  {
    view: isOld ? ["evolution", "ranking"] : ["ranking", "evolution"],
    days: DAYS,
    period: PERIODS,
    by: MEASURES,
    order: ["highest", "lowest"],
    n: ["10", "5", "15", "all"],
    hide: null,
  },
  (name) => {
    if (name === "view") controls();
    show();
  },
);

function controls() {
  const isEvolution = choices.get("view") === "evolution";
  const focused = document.activeElement?.name;
  byId("controls").replaceChildren(
    ...[
      group(choices, "view", t("view"), [
        ["ranking", t("view.ranking")],
        ["evolution", t("view.evolution")],
      ]),
      daysGroup(choices),
      isEvolution && periodGroup(choices),
      group(choices, "by", t("by"), MEASURES.map((measure) => [measure, measureName(kind, measure)])),
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
    ].filter(Boolean),
  );
  if (focused) document.querySelector(`input[name="${focused}"]:checked`)?.focus();
}

function rankingFigure(chosen, caption) {
  const title = kind === "threats" ? t("threats.ranking") : t("vulnerabilities.ranking");
  return rankingSpec(kind, chosen, choices.get("by"), { ...caption, id: `${kind}-ranking`, title });
}

function evolutionFigure(all, caption) {
  const chosen = all.slice(0, MOST_LINES);
  const [period, measure] = [choices.get("period"), choices.get("by")];
  const { dates, series, table } = evolution(chosen, measure, period);
  const hidden = new Set(choices.get("hide").split(",").filter(Boolean));
  const visible = series.filter(({ key }) => !hidden.has(key));
  const title = kind === "threats" ? t("threats.evolution") : t("vulnerabilities.evolution");
  return {
    ...caption,
    id: `${kind}-evolution`,
    title,
    unit: `${measureName(kind, measure)} (${unitOf(measure)})`,
    table,
    legend: visible.map(({ name }) => name),
    toggles: {
      series: series.map((one) => ({ ...one, hidden: hidden.has(one.key) })),
      toggle: (keys) => choices.set("hide", keys.join(",")),
    },
    height: (width) => (width < 480 ? 280 : 420),
    option: lines({ dates, period, series: visible }),
  };
}

let known;
const show = shower(byId("charts"), async () => {
  const period = choices.get("view") === "evolution" ? choices.get("period") : "month";
  const days = choices.get("days");
  const [about, all] = await Promise.all([known ?? summary(), objects(kind, days, period)]);
  known = about;
  if (!introduce(about)) return [];
  const chosen = ranked(all, choices.get("by"), choices.get("order"), choices.get("n"));
  const stats = Math.max(0, ...all.map(basis));
  const caption = { period: spanOf(all, period) ?? daysText(days), stats, wide: true };
  const isEvolution = choices.get("view") === "evolution";
  return [figure(isEvolution ? evolutionFigure(chosen, caption) : rankingFigure(chosen, caption))];
});
controls();
show();
