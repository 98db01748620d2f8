// What this instance holds, and whose work is in it.

import "../lib/shell.js";
import { getJson, summary } from "../lib/data.js";
import { byId, h } from "../lib/dom.js";
import { figures } from "../lib/figures.js";
import { introduce, shower } from "../lib/notices.js";

shower(byId("figures"), async () => {
  const known = await summary();
  return introduce(known) ? [figures(known)] : [];
})();
shower(byId("licences"), async () =>
  (await getJson("assets/licences.json")).map(({ name, version, licence, text }) =>
    h(
      "details",
      { class: "licence" },
      h("summary", {}, `${name} ${version} (${licence})`),
      h("pre", { tabindex: "0", lang: "en" }, text),
    ),
  ),
)();
