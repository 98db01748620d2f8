// What was chosen on an earlier visit, before anything is painted: the theme, or else the system's, and the language.
(() => {
  const root = document.documentElement;
  const chosen = (name) => {
    try {
      return localStorage.getItem(name);
    } catch {
      return null;
    }
  };
  const lang = chosen("lang");
  const query = new URLSearchParams(location.search);
  if (lang && ["en", "fr", "de", "nl"].includes(lang) && lang !== root.lang && !query.has("lang")) {
    query.set("lang", lang);
    location.replace(`?${query}${location.hash}`);
  }
  // One chart alone, where the operator lets other sites have it.
  if (root.dataset.embed && query.get("embed") === "1") root.dataset.embedded = query.get("chart") ?? "";
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    root.dataset.theme = chosen("theme") ?? (dark.matches ? "dark" : "light");
  };
  dark.addEventListener("change", apply);
  apply();
})();
