// What is shown lives in the address, so that a link shows what its sender saw, and Back undoes a choice.

let parameters = new URLSearchParams(location.search);

/** Choices that go along to the next page. */
const KEPT = ["lang", "days"];

/**
 * The choices of a page: `choices` gives the possible values of each name, the usual one first, or null for any, or a
 * function of the other choices that gives the usual one and the possible ones.
 * @typedef {{get: (name: string) => string, set: (name: string, value: string) => void}} Choices
 * @param {Record<string, string[] | null | ((choices: Choices) => string[])>} choices
 * @param {(name: string | null) => void} changed is told the name of a choice, or null after going back
 * @returns {Choices}
 */
export function state(choices, changed) {
  const known = (name) => {
    const possible = choices[name];
    return typeof possible === "function" ? possible(self) : possible;
  };
  const usual = (name) => known(name)?.[0] ?? "";
  /** @type {Choices} */
  const self = {
    get(name) {
      const value = parameters.get(name);
      const possible = known(name);
      return value != null && (possible?.includes(value) ?? true) ? value : usual(name);
    },
    set(name, value) {
      if (value === self.get(name)) return;
      parameters.delete(name);
      // The period follows from how far back one looks, and takes the place of a day of one's own.
      if (name === "days") parameters.delete("period");
      if (name === "period") parameters.delete("since");
      if (value !== usual(name)) parameters.set(name, value);
      const query = parameters.toString();
      history.pushState(null, "", query ? `?${query}` : location.pathname);
      links();
      changed(name);
    },
  };
  addEventListener("popstate", () => {
    parameters = new URLSearchParams(location.search);
    links();
    changed(null);
  });
  links();
  return self;
}

/** Links to other languages have all choices, links to other pages those that are kept. */
function links() {
  for (const link of document.querySelectorAll(".languages a")) {
    const other = new URLSearchParams(parameters);
    other.set("lang", /** @type {HTMLElement} */ (link).lang);
    link.setAttribute("href", `?${other}`);
  }
  const kept = new URLSearchParams([...parameters].filter(([name]) => KEPT.includes(name)));
  for (const link of document.querySelectorAll(".menu a, .brand")) {
    const [path] = (link.getAttribute("href") ?? "").split("?");
    link.setAttribute("href", kept.toString() ? `${path}?${kept}` : path);
  }
}
