// What is known of one threat or vulnerability: its names in all languages and its numbers.

import { getJson } from "./data.js";
import { h } from "./dom.js";
import { number, whole } from "./format.js";
import { LANGUAGES, inLanguage } from "./labels.js";
import { t } from "./page.js";
import { MEASURES, basis, measureName, unitOf } from "./ranked.js";

/** A link to the object's page on MOSP, if the service finds one there; otherwise nothing is missing. */
async function published(uuid, place) {
  const { url } = await getJson(`mosp/${uuid}.json`).catch(() => ({}));
  if (!url) return;
  place.append(h("a", { href: url, rel: "noreferrer" }, t("detail.mosp")));
  place.hidden = false;
}

/** Opens it above the page; it gives the focus back when it closes. */
export function detail(kind, one) {
  const names = LANGUAGES.map((code) => [code, inLanguage(one.labels, code)]).filter(([, text]) => text);
  const facts = MEASURES.map((measure) => [
    h("dt", {}, measureName(kind, measure)),
    h("dd", {}, h("strong", {}, number(one.averages[measure])), ` ${unitOf(measure)}`),
  ]);
  const link = h("p", { hidden: true });
  published(one.object, link);
  const dialog = h(
    "dialog",
    { class: "detail", "aria-labelledby": "detail-title", onclose: () => dialog.remove() },
    h("h2", { id: "detail-title" }, one.name),
    h("dl", { class: "facts" }, facts, h("dt", {}, t("stats")), h("dd", {}, whole(basis(one)))),
    h("h3", {}, t("detail.names")),
    h("dl", { class: "facts" }, names.map(([code, text]) => [h("dt", {}, code.toUpperCase()), h("dd", { lang: code }, text)])),
    h("p", { class: "unit" }, `UUID ${one.object}`),
    link,
    h("form", { method: "dialog" }, h("button", { class: "primary" }, t("close"))),
  );
  document.body.append(dialog);
  dialog.showModal();
}
