// Runs before the first paint: a chosen theme must not flash in.
(() => {
  const chosen = localStorage.getItem("carlos.theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
