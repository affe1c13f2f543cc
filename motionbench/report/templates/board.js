// ---- which view is shown ----
const RENDER = { board: renderBoard, compare: renderCompare, cases: renderCases, failures: renderFailures };
function render() {
  if (root.dataset.view !== state.view) root.dataset.view = state.view;
  for (const view of document.querySelectorAll(".view")) view.classList.toggle("current", view.id === state.view);
  for (const entry of document.querySelectorAll("nav a")) {
    const view = entry.getAttribute("href").replace(/^#\/?/, "").split("&")[0];
    entry.href = hashOf({ view });
    if (view === state.view) entry.setAttribute("aria-current", "page"); else entry.removeAttribute("aria-current");
  }
  if (state.view !== "cases") setPlaying(false);
  if (!data.groups.length) return;
  if (RENDER[state.view]) RENDER[state.view]();
  document.querySelectorAll(".group").forEach((one) => one.classList.toggle("current", one.dataset.group === state.g));
  if (state.view === "board") layTable(shownTable());
}
function follow() {
  const before = state.view;
  readHash();
  render();
  if (state.view !== before) window.scrollTo(0, 0);
}
window.addEventListener("hashchange", follow);
for (const tools of document.querySelectorAll("form.tools")) tools.addEventListener("submit", (event) => event.preventDefault());
if (!data.groups.length) { byId("tools").hidden = true; byId("saves").hidden = true; }
readHash();
render();
if (location.hash && !location.hash.startsWith("#/")) window.addEventListener("load", () => window.scrollTo(0, 0));
