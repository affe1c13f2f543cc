// ---- one case: all systems' videos on one clock, and their values ----
const MOST = 12, FIRST = 8;  // videos at once
const REAL = "real";
const mediaPath = (folder, key, side, kind) => `media/${folder}/${key}-${side}.${kind}`;
const swatch = (id) => element("span", id, `swatch o${(colour(id) + 1) % 7}`);
let mounted = "";

function players(at) {  // who has a video of the case: [name in the address, label, path without ending, has overlay]
  const one = group().cases[at];
  const digit = (videos) => (videos ? Number(videos[at]) : 0);
  const found = digit(group().real) ? [[REAL, "Real", `media/${group().key}/${one.key}-r`, digit(group().real) > 1]] : [];
  for (const system of group().systems) {
    if (digit(system.videos) && system.baseline !== "reference") found.push([system.run, system.label, `media/${system.run}/${one.key}-g`, digit(system.videos) > 1]);
  }
  return found;
}
function caseIndex() {
  const found = group().cases.findIndex((one) => one.key === state.c);
  return Math.max(0, found);
}
function mount(chosen) {
  const wanted = chosen.map(([, , path]) => path).join();
  if (wanted === mounted) { screens.forEach(draw); return; }
  mounted = wanted;
  setPlaying(false);
  screens.forEach((screen) => load(screen, null));
  screens = chosen.map(([name, label]) => {
    const figure = byId("screen").content.firstElementChild.cloneNode(true);
    figure.classList.toggle("real", name === REAL);
    figure.querySelector("bdi").textContent = label;
    figure.querySelector("video").setAttribute("aria-label", `Video of ${label}`);
    return makeScreen(figure);
  });
  byId("screens").replaceChildren(...screens.map((screen) => screen.figure));
  clock.fps = group().fps;
  screens.forEach((screen, i) => {
    const [, , path, drawn] = chosen[i];
    load(screen, `${path}.mp4`);
    if (drawn) requestOverlay(path.slice("media/".length), `${path}.js`, (overlay) => { setOverlay(screen, overlay); measureTimes(); show(); });
  });
  measureTimes();
  rewind(true);
}
function words(one) {
  const parts = [isolated("h3", one.id)];
  parts.push(element("p", one.subset === "single" ? "one object" : "several objects", "fine"));
  if (one.caption) parts.push(isolated("p", one.caption, "caption"));
  if (one.prompt) parts.push(isolated("p", one.prompt, "prompt"));
  if (one.objects && one.objects.length) {
    const list = element("ul", null, "objects");
    one.objects.forEach(([id, name]) => { const item = element("li"); item.append(swatch(id), element("bdi", name)); list.append(item); });
    parts.push(list);
  }
  byId("words").replaceChildren(...parts);
}
function choose(found, shown) {
  const boxes = found.map(([name, label]) => {
    const made = element("label"), box = element("input");
    box.type = "checkbox";
    box.value = name;
    box.checked = shown.includes(name);
    box.disabled = !box.checked && shown.length >= MOST;
    box.addEventListener("change", () => {
      const now = [...byId("chosen").querySelectorAll("input:checked")].map((one) => one.value);
      set({ show: now.join(",") || "none" });
      byId("chosen").querySelector(`input[value="${name}"]`).focus();
    });
    made.append(box, element("bdi", label));
    return made;
  });
  byId("chosen").replaceChildren(byId("chosen").querySelector("legend"), ...boxes);
  byId("chosen").hidden = !found.length;
}
function valuesOf(at) {
  const metrics = withCases(), head = element("tr");
  ["System", ...metrics.map(([metric]) => metric.id + arrow(metric))].forEach((text, i) => {
    const cell = element("th", text, i ? "num" : "");
    cell.scope = "col";
    if (i) { cell.title = metrics[i - 1][0].title; cell.dataset.sort = metrics[i - 1][0].direction === "lower" ? "up" : "down"; }
    head.append(cell);
  });
  const rows = group().systems.map((system) => {
    const row = element("tr"), name = isolated("th", system.label);
    name.scope = "row";
    row.append(name, ...metrics.map(([metric, i]) => {
      const value = system.values[i] ? system.values[i][at] : null;
      const cell = element("td", typeset(value), "num");
      cell.dataset.v = value === null ? "" : value;
      return cell;
    }));
    return row;
  });
  const table = byId("values");
  table.tHead.replaceChildren(head);
  table.tBodies[0].replaceChildren(...rows);
  sortable(table, (cell, column) => (column ? (cell.dataset.v ? Number(cell.dataset.v) : NaN) : cell.textContent.toLowerCase()));
}
function partsOf(at) {  // what each object gets in the parts of tracked motion realism: [row, ...] of a table
  const { names, reasons } = group().parts, one = group().cases[at], things = new Map(one.objects || []);
  return group().systems.filter((system) => system.parts && system.parts[at] !== null).flatMap((system) => {
    const found = system.parts[at];
    if (!Array.isArray(found)) return [partsRow(system, null, [said(reasons[found], names.length + 2)])];
    return found.map(([id, metric, score, ...shares]) => {
      const head = element("td");
      head.append(swatch(id), element("bdi", things.get(id) || ""));
      if (score === undefined) return partsRow(system, head, [said(reasons[metric], names.length + 1)]);
      const lowest = Math.min(...shares.filter((share) => share !== null));
      const cells = shares.map((share) => {
        const cell = element("td", null, "num"), text = share === null ? "–" : (share / 1000).toFixed(3);
        cell.append(share === lowest && lowest < 1000 ? element("strong", text, "least") : text);
        return cell;
      });
      return partsRow(system, head, [...cells, element("td", `${typeset(score)} ${group().parts.metrics[metric]}`, "num")]);
    });
  });
}
function said(text, span) {
  const cell = isolated("td", text || "not judged", "note");
  cell.colSpan = span;
  return cell;
}
function partsRow(system, object, cells) {
  const row = element("tr"), name = isolated("th", system.label);
  name.scope = "row";
  row.append(name, ...(object ? [object] : []), ...cells);
  return row;
}
function showParts(at) {
  const rows = partsOf(at), head = element("tr"), table = byId("parts");
  byId("parts-box").hidden = !rows.length;
  ["System", "Object", ...group().parts.names, "Score"].forEach((text, i) => { const cell = element("th", text, i > 1 ? "num" : ""); cell.scope = "col"; head.append(cell); });
  table.tHead.replaceChildren(head);
  table.tBodies[0].replaceChildren(...rows);
}
function fillChoice() {
  const wanted = byId("filter").value.trim().toLowerCase();
  const text = (one) => `${one.id} ${one.subset} ${one.caption || ""} ${one.prompt || ""}`.toLowerCase();
  const open = group().cases.filter((one) => (state.s === "all" || one.subset === state.s) && (!wanted || text(one).includes(wanted)));
  options(byId("choice"), open.map((one) => [one.key, one.id]), state.c);
  return open;
}
function renderCases() {
  const open = fillChoice();
  if (!open.some((one) => one.key === state.c) && open.length && !byId("filter").value) { state.c = open[0].key; byId("choice").value = state.c; }
  const at = caseIndex(), one = group().cases[at];
  byId("position").textContent = open.length ? `${open.indexOf(one) + 1 || "–"} of ${open.length}` : "no such case";
  words(one);
  const found = players(at);
  const asked = state.show === "none" ? [] : state.show ? state.show.split(",") : found.slice(0, FIRST).map(([name]) => name);
  const chosen = found.filter(([name]) => asked.includes(name)).slice(0, MOST);
  choose(found, chosen.map(([name]) => name));
  byId("transport").hidden = !chosen.length;
  byId("no-media").hidden = data.media;
  mount(chosen);
  valuesOf(at);
  showParts(at);
}
function moveCase(by) {
  const keys = [...byId("choice").options].map((option) => option.value);
  if (keys.length) set({ c: keys[(keys.indexOf(state.c) + by + keys.length) % keys.length] });
}
byId("choice").addEventListener("change", (event) => set({ c: event.target.value }));
byId("previous").addEventListener("click", () => moveCase(-1));
byId("next").addEventListener("click", () => moveCase(1));
byId("filter").addEventListener("input", () => {
  const open = fillChoice();
  if (open.length && !open.some((one) => one.key === state.c)) set({ c: open[0].key }); else renderCases();
});
shortcuts({ p: () => moveCase(-1), n: () => moveCase(1) }, () => state.view === "cases" && data.groups.length > 0);
