// ---- the option: the table as share of the way from static to the real videos ----
// Scores are made by the build from frozen anchors; here a table's cells are only exchanged for them and back.
const unanchored = new WeakMap();  // what a head or a cell holds without the option
function anchoredShown() {  // null where the option is off, or the table has no such scores
  const found = group().anchored[state.s];
  return state.way === "1" && found.metrics.length ? found : null;
}
function entitle(one, text) {
  if (text) one.title = text; else one.removeAttribute("title");
}
function exchange(cell, change) {
  const { dataset } = cell;
  if (!unanchored.has(cell)) unanchored.set(cell, { nodes: [...cell.childNodes], v: dataset.v, title: cell.title, label: dataset.label });
  const before = unanchored.get(cell);
  if (change) { change(cell); return; }
  cell.replaceChildren(...before.nodes);
  Object.assign(dataset, { v: before.v, label: before.label });
  entitle(cell, before.title);
}
function anchorTable(found) {
  const scores = anchoredShown();
  if ((found.anchored || null) === scores) return;
  found.anchored = scores;
  found.heads.forEach((head, i) => {
    const metric = head.dataset.metric;
    if (!metric) return;
    const place = scores ? scores.metrics.indexOf(metric) : -1, name = head.querySelector("span");
    if (!unanchored.has(head)) unanchored.set(head, { name: name.textContent, sort: head.dataset.sort, title: head.title });
    const before = unanchored.get(head), text = place < 0 ? before.name : `${metric}\u00a0↑`;
    name.textContent = text;
    head.dataset.sort = place < 0 ? before.sort : "down";
    entitle(head, place < 0 ? before.title : `${metric}, as share of the way from static to the real videos`);
    for (const row of found.rows) {
      const score = place < 0 ? null : scores.scores[row.dataset.run][place];
      exchange(row.cells[i], place < 0 ? null : (cell) => {
        cell.replaceChildren(typeset(score, 3));
        Object.assign(cell.dataset, { v: score === null ? "" : String(score), label: text });
        entitle(cell, score === null ? "lacks cases that the anchors rest on" : "");
      });
    }
  });
}
function renderAnchored() {
  const box = byId("pick-way"), scores = anchoredShown(), { metrics, why } = group().anchored[state.s];
  box.disabled = !metrics.length;
  box.checked = Boolean(scores);
  byId("way-why").textContent = metrics.length ? "" : ` (not here: ${why})`;
  byId("way-notes").replaceChildren(...(scores ? [...scores.notes, "The rank is that of the table without this option"] : []).map((note) => isolated("li", `${note}.`)));
}
byId("pick-way").addEventListener("change", (event) => set({ way: event.target.checked ? "1" : "0" }));
