// What the page says when there is nothing to draw, or something to know first.

import { at, t } from "./page.js";
import { byId, h } from "./dom.js";
import { daysBetween, whole } from "./format.js";

/** Stats come every night; two nights may fail. */
const STALE = 3;

function notice(kind, title, text, ...more) {
  return h("div", { class: `notice ${kind}` }, h("p", { class: "notice-title" }, title), h("p", {}, text), more);
}

/** Whether there is anything to show; says so if there is not, or what to know about it. */
export function introduce(summary) {
  const place = byId("notices");
  place.replaceChildren();
  // What is released says in the page itself what it rests on, also where nothing is yet.
  if (summary.public_min_clients) return Boolean(summary.newest);
  if (!summary.stats) {
    const help = h("p", {}, h("a", { href: at("help") }, t("empty.help")));
    place.append(notice("empty", t("empty.title"), t("empty.text"), help));
    return false;
  }
  const age = daysBetween(summary.newest, summary.today);
  if (age >= STALE) place.append(notice("stale", t("stale.title", { days: whole(age) }), t("stale.text")));
  if (summary.analyses === 1) place.append(notice("single", t("single.title"), t("single.text")));
  return true;
}

/** In place of charts whose numbers did not come. */
export function failed(place, error, again) {
  const button = h("button", { type: "button", class: "primary", onclick: again }, t("error.again"));
  place.replaceChildren(notice("error", t("error.title"), `${t("error.text")} (${error.message})`, button));
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

/** A legend that was just used is made anew: whoever used it by keyboard stays where they were. */
function replace(place, content) {
  const { key, action } = place.contains(document.activeElement) ? document.activeElement.dataset : {};
  place.replaceChildren(...content);
  if (key) place.querySelector(`[data-key="${key}"]`)?.focus();
  if (action) place.querySelector(`[data-action="${action}"]`)?.focus();
}

/** Shows what `load` gives in a place, with every state on the way to it; a later call overtakes an earlier one. */
export function shower(place, load) {
  let latest = 0;
  return async function show() {
    const mine = ++latest;
    loading(place);
    try {
      const content = await load();
      if (mine === latest) replace(place, content);
    } catch (error) {
      console.debug(error);
      if (mine === latest) failed(place, error, show);
    }
    if (mine === latest) place.removeAttribute("aria-busy");
  };
}
