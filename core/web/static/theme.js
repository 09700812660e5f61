// Loaded in the head before anything is painted, so that no page flashes in the wrong theme.
(function () {
  "use strict";
  var root = document.documentElement;
  var dark = window.matchMedia("(prefers-color-scheme: dark)");
  root.classList.add("js");
  function apply() {
    var chosen = root.dataset.theme;
    root.dataset.bsTheme = chosen === "auto" ? (dark.matches ? "dark" : "light") : chosen;
  }
  apply();
  dark.addEventListener("change", apply);
  document.addEventListener("abah:theme", apply);
})();
