// ---- the measured tables: filters, columns, sorting ----
const INPUTS = [...new Set(data.groups.flatMap((one) => one.systems.flatMap((system) => system.inputs || [])))].sort();
const UNDECLARED = "undeclared";
const tables = new Map();
for (const table of document.querySelectorAll("table.board")) {
  const heads = [...table.tHead.rows[0].cells];
  const rows = [...table.tBodies[0].rows];
  const part = (one, role) => one.setAttribute("role", role);  // said aloud, since not every browser keeps the parts of a table that is laid out as a grid
  part(table, "table");
  [table.tHead, table.tBodies[0]].forEach((one) => part(one, "rowgroup"));
  heads.forEach((head) => part(head, "columnheader"));
  [table.tHead.rows[0], ...rows].forEach((row) => part(row, "row"));
  rows.forEach((row) => [...row.cells].forEach((one) => part(one, one.tagName === "TH" ? "rowheader" : "cell")));
  rows.forEach((row, place) => {
    row.dataset.place = place;
    [...row.cells].forEach((cell, i) => { if (heads[i].dataset.metric) cell.dataset.label = heads[i].querySelector("span").textContent; });
  });
  const by = sortable(table, (cell, column) => {
    if (column === 1) return cell.querySelector(".name").textContent.toLowerCase();
    return cell.dataset.v ? Number(cell.dataset.v) : NaN;
  }, (column, up) => {  // nothing but the order changes: no other part is drawn anew
    Object.assign(state, { sort: heads[column].dataset.metric || ["rank", "name"][column], dir: up ? "up" : "down" });
    history.replaceState(null, "", hashOf({}));
    sortTable(shownTable());
    byId("pick-sort").value = state.sort;
  });
  tables.set(`${table.dataset.key}/${table.dataset.subset}`, { table, heads, rows, by });
}
const shownTable = () => tables.get(`${state.g}/${state.s}`);

function sortTable({ table, heads, rows, by }) {
  const column = heads.findIndex((head, i) => (head.dataset.metric || ["rank", "name"][i]) === state.sort);
  if (column < 0) {  // as built: the headline first
    heads.forEach((head) => head.removeAttribute("aria-sort"));
    if (!anchoredShown() && heads[2] && heads[2].dataset.metric) heads[2].setAttribute("aria-sort", heads[2].dataset.sort === "up" ? "ascending" : "descending");
    table.tBodies[0].replaceChildren(...rows);
    return;
  }
  by(column, state.dir ? state.dir === "up" : heads[column].dataset.sort !== "down");
}
function renderBoard() {
  const profiles = [...new Set(data.groups.map((one) => one.profile))];
  options(byId("pick-profile"), [["", "all profiles"], ...profiles.map((name) => [name, name])], state.profile);
  const open = data.groups.filter((one) => !state.profile || one.profile === state.profile);
  if (!open.includes(group()) && open.length) state.g = open[0].key;
  options(byId("pick-group"), open.map((one) => [one.key, one.title]), state.g);
  if (!group().subsets.includes(state.s)) state.s = "all";
  const names = { all: "all cases", single: "one object", multi: "several objects" };
  options(byId("pick-subset"), group().subsets.map((one) => [one, names[one]]), state.s);
  document.querySelectorAll("#board .panel").forEach((panel) => panel.classList.toggle("current", panel.dataset.subset === state.s));
  const found = shownTable();
  anchorTable(found);
  const kinds = [...new Set(found.heads.map((head) => (head.dataset.cols || "").replace(/ Main$/, "")))].filter(Boolean);
  options(byId("pick-columns"), [["Main", "main"], ["All", "all"], ...kinds.map((kind) => [kind, kind.toLowerCase()])], state.cols);
  const sorted = found.heads.map((head, i) => [head.dataset.metric || ["rank", "name"][i], head.dataset.metric ? head.querySelector("span").textContent : ["rank", "name"][i]]);
  options(byId("pick-sort"), sorted, state.sort || (found.heads[2] ? found.heads[2].dataset.metric : "rank"));
  byId("pick-tier").value = state.tier;
  byId("pick-name").value = state.q;
  byId("pick-baselines").checked = state.base === "1";
  for (const box of byId("pick-inputs").querySelectorAll("input")) box.checked = !state.not.split(",").includes(box.value);

  filterTable(found);
  sortTable(found);
  renderAnchored();
  byId("shown").textContent = found.said;
}
function filterTable(found) {
  const asked = [state.cols, state.tier, state.not, state.q, state.base, Boolean(found.anchored)].join("\n");
  if (found.asked === asked) return;  // a sort changes none of it
  found.asked = asked;
  const open = found.heads.map(({ dataset }) => !dataset.metric || !found.anchored || found.anchored.metrics.includes(dataset.metric));
  const asks = found.heads.map((head) => {
    const kind = head.dataset.cols || "";
    return !head.dataset.metric || state.cols === "All" || (state.cols === "Main" ? / Main$/.test(kind) : kind.replace(/ Main$/, "") === state.cols);
  });
  const both = open.map((one, i) => one && asks[i]), shown = both.slice(2).some(Boolean) ? both : open;
  found.heads.forEach((head, i) => { head.hidden = !shown[i]; });
  const barred = state.not.split(",").filter(Boolean), wanted = state.q.trim().toLowerCase();
  let count = 0;
  for (const row of found.rows) {
    const system = systemOf(row.dataset.run);
    const inputs = system.inputs || [UNDECLARED];
    const kept = system.baseline ? state.base === "1" : (!state.tier || system.tier === state.tier) && !inputs.some((input) => barred.includes(input));
    row.hidden = !kept || Boolean(wanted && !system.label.toLowerCase().includes(wanted));
    count += !row.hidden;
    [...row.cells].forEach((cell, i) => { cell.hidden = !shown[i]; });
  }
  const left = found.rows.length - count;
  found.said = left ? `${count} of ${found.rows.length} rows; the filters hide ${left}. Marks and ranks are those of the whole table.` : "";
}
// A table measures every cell for every layout. So its columns are measured once, and from then on each row is a grid of
// its own with those widths: rows out of sight need no layout, and a sort of a hundred systems is no wait.
function layTable(found) {
  const { table, heads } = found, box = table.parentElement, now = `${box.clientWidth} ${found.asked}`;
  if (!box.clientWidth || found.laid === now) return;
  found.laid = now;
  table.classList.remove("laid");
  const widths = heads.filter((head) => !head.hidden).map((head) => Math.floor(head.getBoundingClientRect().width * 64) / 64);
  table.style.setProperty("--tracks", widths.map((width) => `${width}px`).join(" "));
  table.style.setProperty("--wide", `${widths.reduce((sum, width) => sum + width, 0)}px`);
  table.classList.add("laid");
}
window.addEventListener("resize", () => { if (state.view === "board" && data.groups.length) layTable(shownTable()); });
[...INPUTS, UNDECLARED].forEach((name) => {
  const label = element("label"), box = element("input");
  box.type = "checkbox";
  box.value = name;
  box.addEventListener("change", () => set({ not: [...byId("pick-inputs").querySelectorAll("input:not(:checked)")].map((one) => one.value).join(",") }));
  label.append(box, name.replaceAll("_", " "));
  byId("pick-inputs").append(label);
});
byId("tools").addEventListener("submit", (event) => event.preventDefault());
const picks = { "pick-group": "g", "pick-profile": "profile", "pick-subset": "s", "pick-columns": "cols", "pick-tier": "tier" };
for (const [id, key] of Object.entries(picks)) byId(id).addEventListener("change", (event) => set({ [key]: event.target.value }));
byId("pick-sort").addEventListener("change", (event) => set({ sort: event.target.value, dir: "" }));
byId("pick-name").addEventListener("input", (event) => set({ q: event.target.value }));
byId("pick-baselines").addEventListener("change", (event) => set({ base: event.target.checked ? "1" : "0" }));
