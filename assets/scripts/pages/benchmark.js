// One's own figures beside those of others: of this instance, or of another one.

import "../lib/shell.js";
import { benchmark, benchmarkSpec, besides, isOwn, KINDS, measuresOf, nameOf, remoteName, thingsOf } from "../lib/benchmark.js";
import { controls, group } from "../lib/controls.js";
import { summary } from "../lib/data.js";
import { byId, h } from "../lib/dom.js";
import { figure } from "../lib/figure.js";
import { label } from "../lib/labels.js";
import { introduce, noneOfOwn, shower } from "../lib/notices.js";
import { t } from "../lib/page.js";
import { state } from "../lib/state.js";

const choices = state({ kind: KINDS, by: (all) => measuresOf(all.get("kind")), beside: ["others", "remote"] }, () => show());

const notice = (title, text, ...more) => h("div", { class: "notice" }, h("p", { class: "notice-title" }, title), h("p", {}, text), more);

/** What is missing to compare with, and how it is had. */
function missing(possible) {
  if (isOwn && !possible.includes("others")) return [notice(t("benchmark.few"), t("benchmark.few.text"))];
  if (isOwn || possible.includes("remote")) return [];
  return [
    notice(
      t("benchmark.offer"),
      t("benchmark.offer.text"),
      h("p", {}, h("code", {}, "monarc-stats pull --benchmark"), " · ", h("code", {}, "BENCHMARK_EVERY=1d")),
    ),
  ];
}

/** A figure for all objects, or one for each referential. */
function figures(found, kind, measure, beside) {
  const spec = (objects, id, title) => figure(benchmarkSpec(found, kind, objects, { measure, beside, id, title }));
  if (kind !== "compliance") return [spec(found.objects, `benchmark-${kind}`, thingsOf(kind))];
  return [...grouped(found.objects)].map(([referential, objects]) =>
    spec(objects, `benchmark-${referential}`, label(objects[0].referential_labels, referential)),
  );
}

function grouped(objects) {
  const all = new Map();
  for (const one of objects) all.set(one.referential, [...(all.get(one.referential) ?? []), one]);
  return all;
}

let known;
const show = shower(byId("charts"), async () => {
  const kind = choices.get("kind");
  const [about, found] = await Promise.all([known ?? summary(), benchmark(kind)]);
  known = about;
  const possible = besides(found);
  const measure = choices.get("by");
  const beside = possible.includes(choices.get("beside")) ? choices.get("beside") : possible[0];
  controls(
    group(
      choices,
      "kind",
      t("benchmark.kind"),
      KINDS.map((one) => [one, thingsOf(one)]),
    ),
    measuresOf(kind).length > 1 &&
      group(
        choices,
        "by",
        t("measure"),
        measuresOf(kind).map((one) => [one, nameOf(kind, one)]),
      ),
    possible.length > 1 &&
      group(choices, "beside", t("benchmark.beside_whom"), [
        ["others", t("benchmark.others")],
        ["remote", remoteName(found.remote)],
      ]),
  );
  if (!introduce(about)) return [];
  byId("notices").append(...missing(possible));
  if (!found.objects.length) return [noneOfOwn()];
  return figures(found, kind, measure, beside);
});
show();
