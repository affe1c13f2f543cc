// ---- one clock for any number of videos ----
const transport = Object.fromEntries(
  ["back", "play", "forward", "seek", "clock", "speed", "loop", "masks", "tracks"].map((id) => [id, byId(id)]));
const clock = { time: 0, steps: [0], end: 0, playing: false, last: 0, fps: 8 };
let screens = [];

function makeScreen(figure) {
  const screen = {
    figure, video: figure.querySelector("video"), canvas: figure.querySelector("canvas"),
    absent: figure.querySelector(".absent"), label: figure.querySelector(".frame"),
    overlay: null, frame: 0, wanted: 0, due: 0, planes: new Map(), ready: false, times: [],
  };
  screen.video.addEventListener("seeked", () => { screen.frame = screen.wanted; draw(screen); settle(screen); });
  screen.video.addEventListener("loadeddata", () => { screen.ready = true; measureTimes(); show(); });
  screen.video.addEventListener("error", () => {
    if (screen.video.getAttribute("src")) missing(screen, "This video cannot be played: is the folder media/ beside the page?");
  });
  return screen;
}
function load(screen, source) {
  Object.assign(screen, { frame: 0, wanted: 0, ready: false });
  screen.absent.hidden = true;
  if (source) { screen.video.src = source; return; }
  screen.video.removeAttribute("src");
  screen.video.load();
  missing(screen, "No video to show.");
}
function missing(screen, why) {
  screen.absent.textContent = why;
  screen.absent.hidden = false;
}

// An overlay's file calls this; the page cannot fetch a file beside it when it is opened from disk.
const overlays = new Map(), awaited = new Map();
window.motionbenchOverlay = (key, drawn) => {
  overlays.set(key, drawn);
  if (awaited.has(key)) { awaited.get(key)(drawn); awaited.delete(key); }
};
function requestOverlay(key, source, use) {
  if (overlays.has(key)) { use(overlays.get(key)); return; }
  if (!source) return;
  awaited.set(key, use);
  const script = element("script");
  script.src = source;
  script.addEventListener("load", () => script.remove());
  script.addEventListener("error", () => script.remove());
  document.head.append(script);
}
function setOverlay(screen, overlay) {
  screen.overlay = overlay || null;
  screen.planes.clear();
}

function timesOf(screen) {
  if (!screen.video.getAttribute("src")) return [];
  if (screen.overlay && screen.overlay.times.length) return screen.overlay.times;
  const length = screen.video.duration;
  const count = isFinite(length) ? Math.max(1, Math.round(length * clock.fps)) : 1;
  return Array.from({ length: count }, (_, i) => i / clock.fps);
}
const lastStep = (times) => (times.length > 1 ? times[times.length - 1] - times[times.length - 2] : 1 / clock.fps);

function measureTimes() {  // every time at which one of the videos changes is a step
  const every = screens.flatMap((screen) => (screen.times = timesOf(screen))).sort((a, b) => a - b);
  clock.steps = every.filter((time, i) => i === 0 || time - every[i - 1] > 0.004);
  if (!clock.steps.length) clock.steps = [0];
  clock.end = Math.max(0.05, ...screens.filter((s) => s.times.length).map((s) => s.times[s.times.length - 1] + lastStep(s.times)));
  transport.seek.max = String(clock.steps.length - 1);
}
function frameAt(times, time) {
  let frame = 0;
  while (frame + 1 < times.length && times[frame + 1] <= time + 1e-4) frame += 1;
  return frame;
}
function show() {
  transport.seek.value = String(frameAt(clock.steps, clock.time));
  transport.clock.textContent = `${clock.time.toFixed(2)} of ${clock.end.toFixed(2)} s`;
  for (const screen of screens) {
    if (!screen.times.length) { screen.label.textContent = ""; draw(screen); continue; }
    const frame = frameAt(screen.times, clock.time);
    screen.label.textContent = `${frame + 1} / ${screen.times.length}`;
    screen.due = frame;
    settle(screen);
  }
}
function settle(screen) {  // ask for one frame at a time; what comes in between is skipped
  const { video, times } = screen;
  if (!screen.ready || video.seeking || !times.length) return;
  if (screen.due === screen.wanted && screen.frame === screen.wanted && video.currentTime > 0) { draw(screen); return; }
  screen.wanted = screen.due;
  const next = screen.wanted + 1 < times.length ? times[screen.wanted + 1] : times[screen.wanted] + lastStep(times);
  const middle = (times[screen.wanted] + next) / 2;  // the middle of a frame, so that rounding cannot pick its neighbour
  video.currentTime = Math.min(middle, Math.max(0, video.duration - 0.002));
}

function setPlaying(on) {
  clock.playing = on;
  clock.last = performance.now();
  transport.play.textContent = on ? "❚❚" : "▶";
  transport.play.setAttribute("aria-label", on ? "Pause" : "Play");
  if (on) requestAnimationFrame(tick);
}
function tick(now) {
  if (!clock.playing) return;
  const waiting = screens.some((screen) => screen.video.getAttribute("src") && !screen.ready && screen.absent.hidden);
  // Where seeking is slow, the clock waits for the slowest: all videos show one moment.
  const behind = screens.some((screen) => screen.ready && screen.video.seeking && screen.due !== screen.wanted);
  if (!waiting && !behind) clock.time += Math.min(0.25, Math.max(0, now - clock.last) / 1000) * Number(transport.speed.value);
  clock.last = now;
  if (clock.time >= clock.end) {
    if (transport.loop.checked) clock.time %= clock.end; else { clock.time = clock.steps[clock.steps.length - 1]; setPlaying(false); }
  }
  show();
  requestAnimationFrame(tick);
}
function step(by) {
  setPlaying(false);
  const count = clock.steps.length;
  clock.time = clock.steps[(frameAt(clock.steps, clock.time) + by + count) % count];
  show();
}
function rewind(play) {
  clock.time = 0;
  setPlaying(play && !still.matches);
  show();
}
function toggle() { setPlaying(!clock.playing); }

transport.play.addEventListener("click", toggle);
transport.back.addEventListener("click", () => step(-1));
transport.forward.addEventListener("click", () => step(1));
transport.seek.addEventListener("input", () => { setPlaying(false); clock.time = clock.steps[Number(transport.seek.value)]; show(); });
for (const box of [transport.masks, transport.tracks]) box.addEventListener("change", () => screens.forEach(draw));
window.addEventListener("resize", () => screens.forEach(draw));
function shortcuts(more, active) {
  const keys = {
    " ": toggle, k: toggle, ",": () => step(-1), ".": () => step(1), m: () => transport.masks.click(),
    t: () => transport.tracks.click(), l: () => transport.loop.click(), ...more,
  };
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input[type=search], select, summary, a, .tablist, .scroll");
    if (typing || event.ctrlKey || event.metaKey || event.altKey || !keys[event.key] || !active()) return;
    if (event.key === " " && event.target.closest("button, input")) return;  // theirs to answer
    event.preventDefault();
    keys[event.key]();
  });
}
