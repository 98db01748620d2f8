// What every page has: the theme switch, and menus that close when one turns away from them.

import "./all.js";
import { byId, h } from "./dom.js";
import { t } from "./page.js";

const button = byId("theme");

function name() {
  const isDark = document.documentElement.dataset.theme === "dark";
  button.replaceChildren(
    h("span", { "aria-hidden": "true" }, "◐"),
    h("span", { class: "theme-name" }, isDark ? t("theme.light") : t("theme.dark")),
  );
}

button.addEventListener("click", () => {
  const other = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = other;
  try {
    localStorage.setItem("theme", other);
  } catch {
    // Without storage the choice lasts as long as the page.
  }
  name();
});
name();
button.hidden = false;
new MutationObserver(name).observe(document.documentElement, { attributeFilter: ["data-theme"] });

document.addEventListener("click", ({ target }) => {
  for (const menu of document.querySelectorAll("details.exports[open]")) {
    if (target instanceof Node && !menu.contains(target)) menu.removeAttribute("open");
  }
});

/** A language that somebody chose is theirs on the next visit too (see theme.js). */
for (const link of document.querySelectorAll(".languages a")) {
  link.addEventListener("click", () => {
    try {
      localStorage.setItem("lang", /** @type {HTMLElement} */ (link).lang);
    } catch {
      // Without storage the address alone says so.
    }
  });
}

// Where the menu scrolls, it begins with the page that is shown.
document.querySelector(".menu [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
