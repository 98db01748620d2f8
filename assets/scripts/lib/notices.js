// What the page says when there is nothing to draw, or something to know first.

import { byId, h } from "./dom.js";
import { daysBetween } from "./format.js";
import { linkTo, plural, t } from "./page.js";

/** Stats come every night; two nights may fail. */
const STALE = 3;

function notice(kind, title, text, ...more) {
  return h("div", { class: `notice ${kind}` }, h("p", { class: "notice-title" }, title), h("p", {}, text), more);
}

/**
 * Whether there is anything to show; says so if there is not, or what to know about it.
 * @param {import("./data.js").Summary} summary
 */
export function introduce(summary) {
  const place = byId("notices");
  place.replaceChildren();
  // What is released says in the page itself what it rests on, also where nothing is yet.
  if (summary.public_min_clients) return Boolean(summary.newest);
  if (!summary.stats) {
    const help = h("p", {}, h("a", { href: linkTo("help") }, t("empty.help")));
    place.append(notice("empty", t("empty.title"), t("empty.text"), help));
    return false;
  }
  const age = daysBetween(summary.newest, summary.today);
  if (age >= STALE) place.append(notice("stale", plural("stale.title", age), t("stale.text")));
  if (summary.analyses === 1) place.append(notice("single", t("single.title"), t("single.text")));
  return true;
}

/** In place of charts whose numbers did not come. */
function failure(error, again) {
  const button = h("button", { type: "button", class: "primary", onclick: again }, t("error.again"));
  return notice("error", t("error.title"), `${t("error.text")} (${error.message})`, button);
}

/** Parts of a page, each of which waits for requests of its own and fails alone. */
export function parts(again) {
  return async (requests, make) => {
    try {
      return await make(...(await Promise.all(requests)));
    } catch (error) {
      console.debug(error);
      return failure(error, again);
    }
  };
}

/** In place of charts whose numbers are on their way. */
export function loading(place) {
  place.setAttribute("aria-busy", "true");
  if (!place.childElementCount) {
    place.replaceChildren(h("p", { class: "loading", role: "status" }, t("loading")));
  }
}

/** In place of a chart for which there are no numbers in this period. */
export const nothing = () => notice("empty", t("nothing.title"), t("nothing.text"));

/** In place of a matrix of a release of which no cell is told apart from nothing: a longer time would not help. */
export const tooSmall = () => notice("empty", t("cartography.none"), t("cartography.none.text"));

/** In place of one's own figures where there are none. */
export const noneOfOwn = () => notice("empty", t("benchmark.none"), t("benchmark.none.text"));

/** In place of what is still to be computed. */
export const still = (text) => h("p", { class: "notice", role: "status" }, text);

/** In place of an object that no stat has. */
export const notFound = () => notice("empty", t("detail.unknown.title"), t("detail.unknown.text"));

/** A legend that was just used is made anew: whoever used it by keyboard stays where they were. */
function replace(place, content) {
  const active = document.activeElement;
  const { key, action } = active instanceof HTMLElement && place.contains(active) ? active.dataset : {};
  place.replaceChildren(...content);
  if (key) place.querySelector(`[data-key="${key}"]`)?.focus();
  if (action) place.querySelector(`[data-action="${action}"]`)?.focus();
}

/** What an address leads to comes after the page: it is gone to once. */
let target = location.hash.slice(1);
function goThere() {
  const found = target ? document.getElementById(target) : null;
  if (!found?.matches("figure.chart")) return;
  target = "";
  found.scrollIntoView();
}

/**
 * Shows what `load` gives in a place, with every state on the way to it; a later call overtakes an earlier one.
 * @param {HTMLElement} place
 * @param {(again: () => Promise<void>) => Promise<HTMLElement[]>} load
 */
export function shower(place, load) {
  let latest = 0;
  return async function show() {
    const mine = ++latest;
    loading(place);
    try {
      const content = await load(show);
      if (mine === latest) {
        replace(place, content);
        goThere();
      }
    } catch (error) {
      console.debug(error);
      if (mine === latest) place.replaceChildren(failure(error, show));
    }
    if (mine === latest) place.removeAttribute("aria-busy");
  };
}
