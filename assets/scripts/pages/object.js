// One threat or vulnerability: its line, its three measures, its rank, its names.

import "../lib/shell.js";
import { ofObject } from "../lib/benchmark.js";
import { change, spanOf } from "../lib/compared.js";
import { controls, DAYS, daysGroup, daysText, group, periodGroup, periods } from "../lib/controls.js";
import { getJson, summary } from "../lib/data.js";
import { byId, h } from "../lib/dom.js";
import { figure } from "../lib/figure.js";
import { number } from "../lib/format.js";
import { inLanguage, LANGUAGES, label } from "../lib/labels.js";
import { basisOf, changeText, horizonName, measureOf } from "../lib/movers.js";
import { introduce, notFound, nothing, shower } from "../lib/notices.js";
import { lineFinding, lines } from "../lib/options.js";
import { isReleased, linkTo, t } from "../lib/page.js";
import {
  comparedObjects,
  evolution,
  inAnalyses,
  MEASURES,
  measureName,
  objects,
  placesOf,
  ranked,
  scaleEnd,
  unitOf,
} from "../lib/ranked.js";
import { state } from "../lib/state.js";

const { page, object } = document.documentElement.dataset;
const kind = page === "threat" ? "threats" : "vulnerabilities";
const choices = state({ days: DAYS, period: periods, by: MEASURES }, () => show());

/** The state of the object on MOSP: a link, or how to add it. The service may have nothing to ask. */
async function published(place) {
  const { url, published: is } = await getJson(`mosp/${object}.json`).catch(() => ({}));
  if (url) place.append(h("a", { href: url, rel: "noreferrer" }, t("detail.mosp")));
  else if (is === false)
    place.append(t("detail.mosp.none"), " ", h("a", { href: "https://objects.monarc.lu", rel: "noreferrer" }, "objects.monarc.lu"));
  place.hidden = !place.childNodes.length;
}

function measures(window, now) {
  const cards = MEASURES.map((measure) => {
    const place = placesOf(ranked(window.all, measure, "highest", "all"), measure).get(object) ?? 0;
    const changes = ["previous", "year"].map((since) => {
      const text = change(now.averages[measure], now[since]?.[measure], since);
      return text && h("dd", { class: "more" }, text);
    });
    return h(
      "div",
      { class: "figure" },
      h("dt", {}, `${measureName(kind, measure)} (${unitOf(measure)})`),
      h("dd", {}, number(now.averages[measure])),
      measure === "averageRate" && h("dd", { class: "more" }, t("detail.scale", { number: number(scaleEnd(kind, measure, window.all)) })),
      h("dd", { class: "more" }, t("detail.rank", { place, all: window.all.length })),
      changes,
    );
  });
  const about = [spanOf(window), window.analyses != null && inAnalyses(now, window.analyses)].filter(Boolean).join(" · ");
  return h("section", { class: "measures" }, h("p", { class: "unit" }, about), h("dl", { class: "figure-list" }, cards));
}

/** What changed of a measure since a month, a quarter and a year, over those who have it at both ends. */
function changes(found, chosen) {
  // How often something occurs is compared as a part: analyses differ in size.
  const by = chosen === "count" ? "share" : chosen;
  const rows = ["month", "quarter", "year"].flatMap((horizon) => {
    const one = found.changes?.[horizon]?.[by];
    if (!one) return [];
    const text = [changeText(by, one.change), basisOf({ ...one, measure: by })].join(" · ");
    return [
      h("dt", {}, horizonName(horizon)),
      h("dd", {}, one.trend ? h("strong", {}, `${one.change > 0 ? "▲" : "▼"} ${t("trends.trend")} · `) : null, text),
    ];
  });
  return rows.length
    ? [
        h(
          "section",
          { class: "prose", id: "changes" },
          h("h2", {}, t("detail.changes", { measure: measureOf(page, by) })),
          h("dl", { class: "facts" }, rows),
        ),
      ]
    : [];
}

function names(labels) {
  const rows = LANGUAGES.map((code) => [code, inLanguage(labels, code)]).filter(([, text]) => text);
  const link = h("p", { hidden: true });
  published(link);
  return h(
    "section",
    { class: "prose" },
    h("h2", {}, t("detail.names")),
    h(
      "dl",
      { class: "facts" },
      rows.map(([code, text]) => [h("dt", {}, code.toUpperCase()), h("dd", { lang: code }, text)]),
      h("dt", {}, "UUID"),
      h("dd", {}, object),
    ),
    link,
    h("p", {}, h("a", { href: linkTo(kind) }, kind === "threats" ? t("detail.threats") : t("detail.vulnerabilities"))),
  );
}

function line(past, analyses) {
  const [period, by, days] = [choices.get("period"), choices.get("by"), choices.get("days")];
  const { dates, series, table } = evolution([past], by, period);
  return figure({
    id: "object-evolution",
    title: t("detail.evolution", { measure: measureName(kind, by) }),
    unit: `${measureName(kind, by)} (${unitOf(by)})`,
    period: daysText(days),
    csv: [`${kind}-over-time`, { days, period, object }],
    analyses,
    wide: true,
    table,
    legend: [{ key: past.key, name: past.name }],
    height: (width) => (width < 480 ? 240 : 320),
    finding: lineFinding(series, dates, period),
    option: lines({ dates, period, series }),
  });
}

let known;
const show = shower(byId("charts"), async () => {
  controls(
    group(
      choices,
      "by",
      t("measure"),
      MEASURES.map((measure) => [measure, measureName(kind, measure)]),
    ),
    daysGroup(choices),
    periodGroup(choices),
  );
  const days = choices.get("days");
  const [about, window, past, beside] = await Promise.all([
    known ?? summary(),
    comparedObjects(kind, "now"),
    objects(kind, days, choices.get("period")),
    ofObject(kind, object),
  ]);
  known = about;
  if (!introduce(about)) return [];
  const now = window.all.find((one) => one.object === object);
  const before = past.find((one) => one.object === object);
  const either = now ?? before;
  if (!either) return [notFound()];
  const { labels } = either;
  const one = await getJson(`stats/objects/${object}.json?days=1`).catch(() => ({}));
  byId("object-name").textContent = label(labels, object);
  document.title = `${label(labels, object)} · ${document.title.split(" · ").at(-1)}`;
  return [
    ...(now ? [measures(window, now)] : []),
    ...(beside ? [beside] : []),
    before ? line(before, isReleased ? null : (now?.analyses ?? 0)) : nothing(),
    ...changes(one, choices.get("by")),
    names(labels),
  ];
});
show();
