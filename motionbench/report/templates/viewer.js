// ---- the viewer: one case, the generated video and the real one ----
const grid = byId("grid");
if (grid) {
  const raised = "⁰¹²³⁴⁵⁶⁷⁸⁹";
  const number = (text) => Number(text === "–" ? NaN
    : text.replace("×10", "e").replace(/[⁰¹²³⁴-⁹]/g, (digit) => raised.indexOf(digit)).replace(/[−⁻]/g, "-"));
  sortable(grid, (cell) => {
    const text = cell.textContent.trim();
    return cell.classList.contains("num") ? number(text) : text;
  });
}
const viewer = byId("viewer");
if (!cases.some((one) => Object.keys(one.clips).length)) return;
viewer.hidden = false;
clock.fps = data.fps;
screens = ["generated", "reference"].map((side) => Object.assign(makeScreen(viewer.querySelector(`[data-side="${side}"]`)), { side }));
let current = -1;

function useOverlays(drawn) {
  for (const screen of screens) setOverlay(screen, drawn[screen.side]);
  measureTimes();
}
function open(index, play) {
  const one = cases[index];
  current = index;
  for (const screen of screens) {
    const known = Object.prototype.hasOwnProperty.call(one.clips, screen.side);
    const inPage = document.querySelector(`.card video[data-case="${one.key}"][data-side="${screen.side}"]`);
    const source = known ? one.clips[screen.side] || (inPage && inPage.getAttribute("src")) : null;
    screen.figure.hidden = !source && screen.side === "reference";
    load(screen, source);
  }
  byId("screens").classList.toggle("alone", screens[1].figure.hidden);
  useOverlays({});
  if (one.overlay && typeof one.overlay !== "string") overlays.set(one.key, one.overlay);
  requestOverlay(one.key, one.overlay, (drawn) => {
    if (cases[current].key === one.key) { useOverlays(drawn); show(); }
  });
  describe(one);
  ui.choice.value = one.key;
  if (ui.choice.value !== one.key) { ui.filter.value = ""; fillChoice(); ui.choice.value = one.key; }
  ui.position.textContent = `${index + 1} of ${cases.length}`;
  document.querySelectorAll(".card").forEach((card) => card.classList.toggle("current", card.id === one.key));
  rewind(play);
}
function move(by) {
  const keys = [...ui.choice.options].map((option) => option.value);
  if (!keys.length) return;
  const here = keys.indexOf(cases[current].key);
  go(keys[(here + by + keys.length) % keys.length], true);
}
function go(key, play) {
  history.replaceState(null, "", `#case=${key}`);
  open(places.get(key), play);
}

function fillChoice() {
  const wanted = ui.filter.value.trim().toLowerCase();
  const text = (one) => `${one.id} ${one.subset} ${one.words ? `${one.words.caption} ${one.words.prompt}` : ""}`.toLowerCase();
  ui.choice.replaceChildren(...cases.filter((one) => !wanted || text(one).includes(wanted)).map((one) => {
    const option = element("option", `${places.get(one.key) + 1}. ${one.id}`);
    option.value = one.key;
    return option;
  }));
}
ui.filter.addEventListener("input", () => {
  fillChoice();
  if (!ui.choice.options.length) { ui.position.textContent = "no such case"; return; }
  go([...ui.choice.options].some((o) => o.value === cases[current].key) ? cases[current].key : ui.choice.options[0].value, false);
});
ui.choice.addEventListener("change", () => go(ui.choice.value, true));
ui.previous.addEventListener("click", () => move(-1));
ui.next.addEventListener("click", () => move(1));

document.querySelectorAll(".card video").forEach((video) => { video.controls = false; video.tabIndex = -1; });
document.addEventListener("click", (event) => {
  const target = event.target.closest("a.case, .card");
  if (!target || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const key = target.dataset.case || target.id;
  if (!places.has(key)) return;
  event.preventDefault();
  go(key, true);
  viewer.scrollIntoView({ block: "start", behavior: still.matches ? "auto" : "smooth" });
  transport.play.focus({ preventScroll: true });
});
shortcuts({ p: () => move(-1), n: () => move(1) }, () => true);

function fromHash() {
  const key = location.hash.replace(/^#(case=)?/, "");
  return places.has(key) ? places.get(key) : -1;
}
window.addEventListener("hashchange", () => { if (fromHash() >= 0 && fromHash() !== current) open(fromHash(), true); });
fillChoice();
open(Math.max(0, fromHash()), false);
