// What this instance holds, and whose work is in it.

import "../lib/shell.js";
import { getJson, summary } from "../lib/data.js";
import { byId, h } from "../lib/dom.js";
import { figures } from "../lib/figures.js";
import { introduce, shower } from "../lib/notices.js";

shower(byId("figures"), async () => {
  const known = await summary();
  const isThere = introduce(known);
  byId("figures").hidden = !isThere;
  return isThere ? [figures(known)] : [];
})();
shower(byId("licences"), async () => {
  const { components, texts } = await getJson("assets/licences.json");
  return components.map(({ name, version, licence, texts: numbers }) => {
    const text = h("pre", { tabindex: "0", lang: "en" });
    const details = h("details", { class: "licence" }, h("summary", {}, `${name} ${version} (${licence})`), text);
    // All texts of all packages at once would be a megabyte of page.
    const fill = () => (text.textContent = numbers.map((number) => texts[number]).join("\n\n"));
    details.addEventListener("toggle", fill, { once: true });
    return details;
  });
})();
