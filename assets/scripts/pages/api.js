// The OpenAPI document as a page in which requests can be tried. Own code: what is usual for this is 1.4 MB.

import "../lib/shell.js";
import { getJson } from "../lib/data.js";
import { byId, h } from "../lib/dom.js";
import { shower } from "../lib/notices.js";
import { operationElement, resolver } from "../lib/operation.js";
import { t } from "../lib/page.js";

const TITLES = {
  Stats: t("api.tag.stats"),
  Processed: t("api.tag.processed"),
  Clients: t("api.tag.clients"),
  Public: t("api.tag.public"),
  Service: t("api.tag.service"),
  Admin: t("api.tag.admin"),
};
const METHODS = ["get", "post", "patch", "put", "delete"];

byId("token").addEventListener("submit", (event) => event.preventDefault());
async function operations() {
  const document = await getJson("api/v1/openapi.json");
  const resolve = resolver(document);
  const all = Object.entries(document.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]?.responses).map((method) => ({ method, path, item })),
  );
  return document.tags.map(({ name, description }) =>
    h(
      "section",
      {},
      h("h2", {}, TITLES[name] ?? name),
      h("p", { lang: "en" }, description),
      all
        .filter(({ method, item }) => item[method].tags?.[0] === name)
        .map(({ method, path, item }) => operationElement(method, path, item, resolve)),
    ),
  );
}

await shower(byId("operations"), operations)();
const asked = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
if (asked instanceof HTMLDetailsElement) {
  asked.open = true;
  asked.scrollIntoView();
}
