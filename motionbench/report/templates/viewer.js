// ---- the viewer ----
const viewer = byId("viewer");
if (!cases.some((one) => Object.keys(one.clips).length)) return;
viewer.hidden = false;
const screens = SIDES.map((side) => {
  const figure = viewer.querySelector(`[data-side="${side}"]`);
  const screen = {
    side, figure, video: figure.querySelector("video"), canvas: figure.querySelector("canvas"),
    absent: figure.querySelector(".absent"), label: figure.querySelector(".frame"),
    overlay: null, frame: 0, wanted: 0, planes: new Map(), ready: false,
  };
  screen.video.addEventListener("seeked", () => { screen.frame = screen.wanted; draw(screen); settle(screen); });
  screen.video.addEventListener("loadeddata", () => { screen.ready = true; measureTimes(); show(); });
  screen.video.addEventListener("error", () => {
    if (screen.video.getAttribute("src")) missing(screen, "This video cannot be played: is the folder media/ beside the page?");
  });
  return screen;
});
const overlays = new Map();
const state = { index: -1, time: 0, steps: [0], end: 0, playing: false, last: 0 };
const controls = ["choice", "previous", "next", "filter", "position", "back", "play", "forward", "seek", "clock", "speed", "loop", "masks", "tracks", "facts", "more"];
const ui = Object.fromEntries(controls.map((id) => [id, byId(id)]));

// A case's overlay file calls this; the page cannot fetch a file beside it when it is opened from disk.
window.motionbenchOverlay = (key, drawn) => {
  overlays.set(key, drawn);
  if (state.index >= 0 && cases[state.index].key === key) { useOverlays(); show(); }
};
function requestOverlay(one) {
  if (!one.overlay || overlays.has(one.key)) return;
  if (typeof one.overlay !== "string") { overlays.set(one.key, one.overlay); return; }
  const script = element("script");
  script.src = one.overlay;
  script.addEventListener("load", () => script.remove());
  script.addEventListener("error", () => script.remove());
  document.head.append(script);
}
function useOverlays() {
  const drawn = overlays.get(cases[state.index].key) || {};
  for (const screen of screens) {
    screen.overlay = drawn[screen.side] || null;
    screen.planes.clear();
  }
  measureTimes();
}
function missing(screen, why) {
  screen.absent.textContent = why;
  screen.absent.hidden = false;
}

function timesOf(screen) {
  if (!screen.video.getAttribute("src")) return [];
  if (screen.overlay && screen.overlay.times.length) return screen.overlay.times;
  const length = screen.video.duration;
  const count = isFinite(length) ? Math.max(1, Math.round(length * data.fps)) : 1;
  return Array.from({ length: count }, (_, i) => i / data.fps);
}
const lastStep = (times) => (times.length > 1 ? times[times.length - 1] - times[times.length - 2] : 1 / data.fps);

function measureTimes() {  // one clock for both sides: every time at which one of them changes is a step
  const every = screens.flatMap((screen) => (screen.times = timesOf(screen))).sort((a, b) => a - b);
  state.steps = every.filter((time, i) => i === 0 || time - every[i - 1] > 0.004);
  if (!state.steps.length) state.steps = [0];
  state.end = Math.max(0.05, ...screens.filter((s) => s.times.length).map((s) => s.times[s.times.length - 1] + lastStep(s.times)));
  ui.seek.max = String(state.steps.length - 1);
}
function frameAt(times, time) {
  let frame = 0;
  while (frame + 1 < times.length && times[frame + 1] <= time + 1e-4) frame += 1;
  return frame;
}

function open(index, play) {
  const one = cases[index];
  state.index = index;
  state.time = 0;
  for (const screen of screens) {
    const known = Object.prototype.hasOwnProperty.call(one.clips, screen.side);
    const inPage = document.querySelector(`.card video[data-case="${one.key}"][data-side="${screen.side}"]`);
    const source = known ? one.clips[screen.side] || (inPage && inPage.getAttribute("src")) : null;
    Object.assign(screen, { frame: 0, wanted: 0, ready: false });
    screen.absent.hidden = true;
    screen.figure.hidden = !source && screen.side === "reference";
    if (source) {
      screen.video.src = source;
    } else {
      screen.video.removeAttribute("src");
      screen.video.load();
      missing(screen, "No video to show.");
    }
  }
  byId("screens").classList.toggle("alone", screens[1].figure.hidden);
  requestOverlay(one);
  useOverlays();
  describe(one);
  ui.choice.value = one.key;
  if (ui.choice.value !== one.key) { ui.filter.value = ""; fillChoice(); ui.choice.value = one.key; }
  ui.position.textContent = `${index + 1} of ${cases.length}`;
  document.querySelectorAll(".card").forEach((card) => card.classList.toggle("current", card.id === one.key));
  setPlaying(play && !still.matches);
  show();
}

function show() {
  const step = frameAt(state.steps, state.time);
  ui.seek.value = String(step);
  ui.clock.textContent = `${state.time.toFixed(2)} of ${state.end.toFixed(2)} s`;
  for (const screen of screens) {
    if (!screen.times || !screen.times.length) { screen.label.textContent = ""; draw(screen); continue; }
    const frame = frameAt(screen.times, state.time);
    screen.label.textContent = `${frame + 1} / ${screen.times.length}`;
    screen.due = frame;
    settle(screen);
  }
}
function settle(screen) {  // ask for one frame at a time; what comes in between is skipped
  const { video, times } = screen;
  if (!screen.ready || video.seeking || !times || !times.length) return;
  if (screen.due === screen.wanted && screen.frame === screen.wanted && video.currentTime > 0) { draw(screen); return; }
  screen.wanted = screen.due;
  const next = screen.wanted + 1 < times.length ? times[screen.wanted + 1] : times[screen.wanted] + lastStep(times);
  const middle = (times[screen.wanted] + next) / 2;  // the middle of a frame, so that rounding cannot pick its neighbour
  video.currentTime = Math.min(middle, Math.max(0, video.duration - 0.002));
}

// ---- the clock ----
function setPlaying(on) {
  state.playing = on;
  state.last = performance.now();
  ui.play.textContent = on ? "❚❚" : "▶";
  ui.play.setAttribute("aria-label", on ? "Pause" : "Play");
  if (on) requestAnimationFrame(tick);
}
function tick(now) {
  if (!state.playing) return;
  const waiting = screens.some((screen) => screen.video.getAttribute("src") && !screen.ready && screen.absent.hidden);
  if (!waiting) state.time += Math.max(0, now - state.last) / 1000 * Number(ui.speed.value);
  state.last = now;
  if (state.time >= state.end) {
    if (ui.loop.checked) state.time %= state.end; else { state.time = state.steps[state.steps.length - 1]; setPlaying(false); }
  }
  show();
  requestAnimationFrame(tick);
}
function step(by) {
  setPlaying(false);
  const count = state.steps.length;
  state.time = state.steps[(frameAt(state.steps, state.time) + by + count) % count];
  show();
}
function toggle() { setPlaying(!state.playing); }
function move(by) {
  const keys = [...ui.choice.options].map((option) => option.value);
  if (!keys.length) return;
  const here = keys.indexOf(cases[state.index].key);
  go(keys[(here + by + keys.length) % keys.length], true);
}
function go(key, play) {
  history.replaceState(null, "", `#case=${key}`);
  open(places.get(key), play);
}

// ---- controls ----
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
  go([...ui.choice.options].some((o) => o.value === cases[state.index].key) ? cases[state.index].key : ui.choice.options[0].value, false);
});
ui.choice.addEventListener("change", () => go(ui.choice.value, true));
ui.previous.addEventListener("click", () => move(-1));
ui.next.addEventListener("click", () => move(1));
ui.play.addEventListener("click", toggle);
ui.back.addEventListener("click", () => step(-1));
ui.forward.addEventListener("click", () => step(1));
ui.seek.addEventListener("input", () => { setPlaying(false); state.time = state.steps[Number(ui.seek.value)]; show(); });
for (const box of [ui.masks, ui.tracks]) box.addEventListener("change", () => screens.forEach(draw));
window.addEventListener("resize", () => screens.forEach(draw));

document.querySelectorAll(".card video").forEach((video) => { video.controls = false; video.tabIndex = -1; });
document.addEventListener("click", (event) => {
  const target = event.target.closest("a.case, .card");
  if (!target || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const key = target.dataset.case || target.id;
  if (!places.has(key)) return;
  event.preventDefault();
  go(key, true);
  viewer.scrollIntoView({ block: "start", behavior: still.matches ? "auto" : "smooth" });
  ui.play.focus({ preventScroll: true });
});
const KEYS = {
  " ": toggle, k: toggle, ",": () => step(-1), ".": () => step(1), p: () => move(-1), n: () => move(1),
  m: () => ui.masks.click(), t: () => ui.tracks.click(), l: () => ui.loop.click(),
};
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input[type=search], select, summary, a, .tablist, .scroll");
  if (typing || event.ctrlKey || event.metaKey || event.altKey || !KEYS[event.key]) return;
  if (event.key === " " && event.target.closest("button, input")) return;  // theirs to answer
  event.preventDefault();
  KEYS[event.key]();
});

function fromHash() {
  const key = location.hash.replace(/^#(case=)?/, "");
  return places.has(key) ? places.get(key) : -1;
}
window.addEventListener("hashchange", () => { if (fromHash() >= 0 && fromHash() !== state.index) open(fromHash(), true); });
fillChoice();
open(Math.max(0, fromHash()), false);
