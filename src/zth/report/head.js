// Stands first on the page: counts what goes wrong, so that a test can ask, and sets the theme before anything is seen.
(() => {
  "use strict";
  const root = document.documentElement;
  root.dataset.errors = "0";
  const count = (what) => {
    root.dataset.errors = String(Number(root.dataset.errors) + 1);
    root.dataset.firstError ??= String(what);
  };
  addEventListener("error", (event) => count(event.message ?? "a resource did not load"), true);
  addEventListener("unhandledrejection", (event) => count(event.reason));
  document.addEventListener("securitypolicyviolation", (event) => count(`${event.violatedDirective} ${event.blockedURI}`));
  const say = console.error;
  console.error = (...words) => {
    count(words.join(" "));
    say.apply(console, words);
  };
  try {
    const theme = localStorage.getItem("zth-theme");
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  } catch {
    // private windows may forbid storage; then the system's setting decides
  }
})();
