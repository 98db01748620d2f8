// The report: what it is about, three sentences, and what they rest on, on one sheet of paper.

import { analysesText, compared, spanOf } from "./compared.js";
import { gapOf, gapSpec, topGaps } from "./compliance.js";
import { averages, summary } from "./data.js";
import { byId, h } from "./dom.js";
import { figure } from "./figure.js";
import { bounded, figures } from "./figures.js";
import { date, number, percent } from "./format.js";
import { label } from "./labels.js";
import { KINDS, kindName, levelBars } from "./levels.js";
import { changeText, foremost, moversSpec, nameOf, ofWhich, trends } from "./movers.js";
import { introduce, parts } from "./notices.js";
import { at, isReleased, plural, t } from "./page.js";
import { comparedObjects, founded, inAnalyses, ranked } from "./ranked.js";
import { rankingSpec } from "./ranking.js";

/** How many characters of notes fit, whatever they are. */
const MOST_NOTES = 500;
const FIRST = 5;
/** Names in sentences are cut here: three lines have to be enough for anybody. */
const LONGEST_NAME = 70;

const short = (text) => (text.length > LONGEST_NAME ? `${text.slice(0, LONGEST_NAME - 1)}…` : text);

/** "High residual risks fell from 7.7 to 4.1 since November 2025": over the longest time for which there are both ends. */
function highSentence(horizons, now, all) {
  const found = horizons.find((one) => one?.high?.residual);
  if (found) {
    const { before, after, analyses, ...ends } = found.high.residual;
    // Where not all were there at both ends the numbers are those of some, and differ from the headline.
    const some = analyses == null || analyses === all ? "" : ` (${plural("report.matched", analyses)})`;
    const first = bounded(before, ends.before_at_most, ends.before_at_least);
    const last = bounded(after, ends.after_at_most, ends.after_at_least);
    const values = { before: first, after: last, date: date(found.since, "month") + some };
    if (number(before) === number(after)) return t("report.same", values);
    return after < before ? t("report.fell", values) : t("report.rose", values);
  }
  if (!now.averages) return null;
  const { residual } = now.averages;
  const told = horizons.find((one) => one?.now)?.now.residual;
  const after = KINDS.reduce((sum, kind) => sum + residual[kind]["High risks"], 0);
  return t("report.alone", { after: bounded(after, told?.at_most, told?.at_least) });
}

/** By how much something moved, and in how many analyses it did so. */
function byHowMuch({ measure, change: by, rose, fell, analyses }) {
  const counts = analyses == null ? null : inAnalyses({ analyses: by > 0 ? rose : fell }, analyses);
  return [changeText(measure, by), counts].filter(Boolean).join(", ");
}

/** Which threat or vulnerability rose most, and which fell most; nothing where there was nothing then. */
function movedSentence(found, oldest) {
  if (!found?.since || found.since < oldest) return null;
  const all = foremost(found, ["threat", "vulnerability"], Number.POSITIVE_INFINITY);
  const [up, down] = [all.find(([, { change }]) => change > 0), all.find(([, { change }]) => change < 0)];
  const words = (pair) => pair && { name: short(nameOf(...pair)), by: byHowMuch(pair[1]) };
  const [rose, fell] = [words(up), words(down)];
  const of = ofWhich(all);
  const values = {
    date: date(found.since),
    up: rose?.name,
    up_by: rose?.by,
    down: fell?.name,
    down_by: fell?.by,
    of: of ? `, ${of}` : "",
  };
  if (rose && fell) return t("report.both", values);
  if (rose) return t("report.up", values);
  return fell ? t("report.down", values) : t("report.still", values);
}

function gapSentence(referentials) {
  const [widest] = topGaps(referentials, 1);
  if (!widest || gapOf(widest) == null) return t("report.no_gap");
  const { current, target } = widest.averages;
  return t("report.gap", { name: short(label(widest.labels)), current: percent(current), target: percent(target) });
}

/** The sentence under which releases come is on the page already; on paper it stands with the method. */
const released = () => document.querySelector(".notice.released")?.textContent;

/** Whose figures a view shows. */
const owner = document.querySelector(".notice.released strong")?.textContent ?? "";

/** Where notes are kept: of each view by themselves, so that nobody's are printed under another's name. */
const { view, root } = document.documentElement.dataset;
const NOTES = view === "own" ? `notes ${root}` : "notes";

function head(about, risks, referentials) {
  const band = about.band && t("trends.band", { band: about.band });
  const basis = about.public_min_clients ? band : analysesText(about.analyses);
  const names = referentials.slice(0, 4).map((one) => short(label(one.labels, one.referential)));
  const scope = [short(owner), location.host, spanOf(risks) ?? (about.newest && date(about.newest)), basis, names.join(", ")];
  const today = about.today ?? new Date().toISOString().slice(0, 10);
  return h(
    "header",
    { class: "report-head" },
    h("h2", {}, t("report.title")),
    h("p", { class: "report-scope" }, scope.filter(Boolean).join(" · ")),
    h("p", { class: "report-made" }, t("report.made", { date: date(today) })),
  );
}

/** Notes of whoever prints, kept where they were typed. */
function notes() {
  const storage = { get: () => localStorage.getItem(NOTES), set: (text) => localStorage.setItem(NOTES, text) };
  const safely = (act, ...values) => {
    try {
      return act(...values);
    } catch {
      return null;
    }
  };
  const printed = h("p", { class: "notes-printed" });
  const field = h("textarea", { id: "notes", rows: 3, maxlength: MOST_NOTES, class: "no-print" });
  field.value = safely(storage.get) ?? "";
  const follow = () => {
    printed.textContent = field.value.replaceAll(/\s*\n\s*/g, " · ");
    printed.parentElement?.classList.toggle("no-print", !field.value.trim());
  };
  field.addEventListener("input", () => {
    safely(storage.set, field.value);
    follow();
  });
  const section = h(
    "section",
    { class: "report-notes" },
    h("label", { for: "notes" }, t("report.notes")),
    h("small", { class: "no-print" }, t("report.notes.hint")),
    field,
    printed,
  );
  follow();
  return section;
}

/** The report's parts; none if the store is empty. */
export async function report(again) {
  const part = parts(again);
  const known = summary();
  const risks = compared("risks", "now");
  const compliance = compared("compliance", "now");
  const objects = { threats: comparedObjects("threats", "now"), vulnerabilities: comparedObjects("vulnerabilities", "now") };
  const moved = Promise.all(["quarter", "year"].map(trends));
  const line = averages("risks", { days: "365", period: "month", processor: "risk_averages_on_date" });
  [risks, compliance, moved, line, ...Object.values(objects)].forEach((one) => one.catch(() => {}));
  const about = await known;
  if (!introduce(about)) return [];
  const { analyses } = about;
  // What moved is of those at both ends; means and what they are compared with are not.
  const everybody = analyses > 1 ? t("figures.all") : null;
  const card = (id, title, found, more = {}) => ({ id, title, period: spanOf(found), analyses, ...more });
  const sentences = part([risks, compliance, moved], (now, gaps, [quarter, year]) =>
    h(
      "ul",
      { class: "report-sentences" },
      [highSentence([year, quarter], now, analyses), movedSentence(quarter, about.oldest), gapSentence(gaps.averages ?? [])]
        .filter(Boolean)
        .map((text) => h("li", {}, text)),
    ),
  );
  const numbers = part([risks], async (now) => {
    const [trend, [previous, year]] = await Promise.all([line.catch(() => null), moved.catch(() => [])]);
    const more = isReleased ? { moved: { previous, year } } : { note: everybody };
    return h("div", { class: "figures" }, figures(about, now, { trend, ...more }));
  });
  const levels = (kind) =>
    part(
      [risks],
      (now) =>
        now.averages &&
        figure(
          levelBars(now.averages, kind, card(`levels-${kind}`, t("overview.levels", { kind: kindName(kind) }), now, { csv: ["risks"] })),
        ),
    );
  const top = (kind, title) =>
    part([objects[kind]], (found) => {
      const all = founded(found);
      const more = { csv: [kind], analyses: found.analyses, all, since: "previous", isNow: true, more: everybody };
      const caption = card(`top-${kind}`, title, found, more);
      return figure(rankingSpec(kind, ranked(all, "averageRate", "highest", String(FIRST)), "averageRate", caption));
    });
  const movers = part([moved], ([found]) => {
    const chosen = foremost(found, ["threat", "vulnerability"], FIRST);
    return (
      chosen.length &&
      figure(
        moversSpec(chosen, {
          id: "movers",
          title: t("trends.both"),
          more: ofWhich(chosen),
          period: t("trends.since", { date: date(found.since) }),
          csv: ["trends", { period: "quarter" }],
        }),
      )
    );
  });
  const gaps = part([compliance], (found) => {
    const categories = topGaps(found.averages ?? [], FIRST);
    return categories.length && figure(gapSpec({ categories }, card("gaps", t("report.gaps"), found, { csv: ["compliance"] })));
  });
  const method = h("p", { class: "report-method" }, [released(), t("report.method"), at("help")].filter(Boolean).join(" "));
  const top2 = [top("threats", t("overview.threats")), top("vulnerabilities", t("overview.vulnerabilities"))];
  const [words, tiles, ...cards] = await Promise.all([sentences, numbers, ...KINDS.map(levels), movers, gaps, ...top2]);
  const [now, referentials] = await Promise.all([
    risks.catch(() => ({})),
    compliance.then(
      ({ averages: all }) => all ?? [],
      () => [],
    ),
  ]);
  return [head(about, now, referentials), words, tiles, h("div", { class: "charts" }, cards.filter(Boolean)), notes(), method].filter(
    Boolean,
  );
}

/**
 * Millimetres of A4 between its margins. 273 would be there; but WebKit leaves the printer's margins instead, say 6.35 at the
 * sides and 12.7 below, and enlarges the sheet until it is as wide as they allow: then it must not be too high either.
 */
const [WIDTH, HEIGHT] = [186, 261];

/** Makes the sheet fit one page: the same as on the screen, but as wide as paper, and as small as it has to be. */
export function toPaper() {
  const sheet = byId("charts");
  sheet.classList.add("paper");
  sheet.style.width = `${WIDTH}mm`;
  const millimetre = sheet.getBoundingClientRect().width / WIDTH;
  for (let size = 9.5; size >= 4; size -= 0.25) {
    sheet.style.fontSize = `${size}pt`;
    if (sheet.getBoundingClientRect().height <= HEIGHT * millimetre) return;
  }
}

export function fromPaper() {
  const sheet = byId("charts");
  sheet.classList.remove("paper");
  sheet.style.width = "";
  sheet.style.fontSize = "";
}
