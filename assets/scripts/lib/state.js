// What is shown lives in the address, so that a link shows what its sender saw.

const parameters = new URLSearchParams(location.search);

/** The choices of a page: `choices` gives the possible values of each name, the usual one first, or null for any. */
export function state(choices, changed) {
  const usual = (name) => choices[name]?.[0] ?? "";
  return {
    get(name) {
      const value = parameters.get(name);
      return value != null && (choices[name] === null || choices[name].includes(value)) ? value : usual(name);
    },
    set(name, value) {
      if (value === usual(name)) parameters.delete(name);
      else parameters.set(name, value);
      remember();
      changed(name);
    },
  };
}

function remember() {
  const query = parameters.toString();
  history.replaceState(null, "", query ? `?${query}` : location.pathname);
  for (const link of document.querySelectorAll(".languages a")) {
    const other = new URLSearchParams(query);
    other.set("lang", link.lang);
    link.setAttribute("href", `?${other}`);
  }
}
