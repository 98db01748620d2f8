// A ranking as a list of links with bars: readable at every width, and usable without a mouse.

import { change } from "./compared.js";
import { h } from "./dom.js";
import { number } from "./format.js";
import { cut, ranking } from "./options.js";
import { isReleased, linkTo, plural, t } from "./page.js";
import { earlierPlaces, inAnalyses, measureName, placesOf, rankingTable, scaleEnd, unitOf } from "./ranked.js";
import { spark } from "./spark.js";

/** Rows that fit into a picture: browsers make none that is much higher. */
const MOST_IN_PICTURE = 200;

/** How many places up or down, or that it was not there. */
function moved(before, position, places) {
  if (!places) return null;
  if (before == null) return h("span", { class: "rank-moved" }, isReleased ? t("ranking.published") : t("ranking.new"));
  if (before === position) return null;
  const by = Math.abs(before - position);
  // In words: an arrow is what moved by its value, and a filled one claims something.
  return h("span", { class: "rank-moved" }, before > position ? plural("ranking.up", by) : plural("ranking.down", by));
}

function row(kind, one, measure, { scale, analyses, since, isNow, earlier, lines }, position) {
  const value = one.averages[measure];
  const bar = h("span", { class: "rank-bar" });
  bar.style.width = `${scale > 0 ? Math.min(100, (100 * value) / scale) : 0}%`;
  const about = [analyses && inAnalyses(one, analyses), change(value, one[since]?.[measure], since, isNow)].filter(Boolean).join(" · ");
  const place = moved(earlier?.get(one.object), position, earlier);
  return h(
    "li",
    {},
    h(
      "a",
      { class: "rank", "data-object": one.object, href: linkTo(`${kind}/${one.object}`) },
      h("span", { class: "rank-name" }, h("span", { class: "rank-position" }, `${position}. `), one.name),
      h("span", { class: "rank-value" }, spark(lines?.get(one.object)) ?? "", h("span", { class: "rank-number" }, number(value))),
      h("span", { class: "rank-track", "aria-hidden": "true" }, bar),
      h("span", { class: "rank-basis" }, about, place && [about && " · ", place]),
    ),
  );
}

/**
 * The specification of a ranking's figure; `all` are those that were ranked, `chosen` those that are shown.
 * @param {string} kind
 * @param {import("./ranked.js").RatedObject[]} chosen
 * @param {string} measure
 * @param {any} caption
 * @returns {import("./figure.js").Spec}
 */
export function rankingSpec(kind, chosen, measure, { all, since = "none", isNow = false, order = "highest", lines, ...caption }) {
  const scale = scaleEnd(kind, measure, all ?? chosen);
  const unit = `${measureName(kind, measure)} (${unitOf(measure)})`;
  const drawn = chosen.slice(0, MOST_IN_PICTURE);
  const places = placesOf(chosen, measure);
  const about = { earlier: earlierPlaces(all ?? chosen, measure, order, since), lines, scale, analyses: caption.analyses, since, isNow };
  return {
    ...caption,
    unit,
    more: [caption.more, t("ranking.scale", { number: number(scale) })].filter(Boolean).join(" · "),
    pictureNote: drawn.length < chosen.length ? t("export.first", { count: drawn.length, all: chosen.length }) : null,
    table: rankingTable(kind, chosen),
    stillHeight: 34 * drawn.length + 60,
    content: h(
      "ol",
      { class: "ranking" },
      chosen.map((one) => row(kind, one, measure, about, places.get(one.object))),
    ),
    option: ranking({
      names: drawn.map(({ name }) => cut(name.replaceAll(/\s+/g, " "), 200)),
      values: drawn.map((one) => one.averages[measure]),
      unit,
      max: scale || undefined,
    }),
  };
}
