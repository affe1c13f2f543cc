// ---- where systems fail ----
const CARDS = 12;
let playing = !still.matches;
function answers() {  // every video of every system: [system, index of the case]
  const chosen = group().systems.filter((system) => (state.of ? system.run === state.of : !system.baseline));
  return chosen.flatMap((system) => group().cases.map((one, i) => [system, i]).filter(([, i]) => state.s === "all" || group().cases[i].subset === state.s));
}
const valueAt = (system, metric, at) => (system.values[metric] ? system.values[metric][at] : null);
function shares(found, metric, at) {  // the share of videos that are worse, ties counted half: 0 for the worst
  const known = found.map(([system, i], place) => [valueAt(system, at, i), place]).filter(([value]) => value !== null);
  known.sort((x, y) => (x[0] - y[0]) * sign(metric));
  const result = new Map();
  for (let from = 0; from < known.length;) {
    let to = from;
    while (to < known.length && known[to][0] === known[from][0]) to += 1;
    for (let k = from; k < to; k += 1) result.set(known[k][1], (from + to) / 2 / known.length);
    from = to;
  }
  return result;
}
function card([system, at], said) {
  const one = group().cases[at], made = element("article", null, "card"), heading = element("h3");
  const has = system.videos && Number(system.videos[at]);
  if (has) {
    const video = element("video");
    Object.assign(video, { muted: true, playsInline: true, loop: true, preload: "metadata", autoplay: playing, src: mediaPath(system.run, one.key, "g", "mp4") });
    video.addEventListener("click", () => (video.paused ? video.play() : video.pause()));
    video.setAttribute("aria-label", `${one.id} by ${system.label}`);
    made.append(video);
  } else if (data.media) made.append(element("p", "no video", "blank"));
  heading.append(link({ view: "cases", c: one.key, show: has ? [REAL, system.run].join(",") : "" }, one.id));
  made.append(heading, isolated("p", system.label, "fine"), ...said.map((text) => element("p", text, "reason")));
  if (one.caption) made.append(isolated("p", one.caption, "caption"));
  return made;
}
function renderFailures() {
  const metrics = withCases().filter(([metric]) => metric.direction !== "none"), gallery = byId("gallery");
  if (!metrics.length) { gallery.replaceChildren(element("p", "There is no metric with a value for each case.", "fine")); return; }
  const first = metrics.find(([one]) => one.id === state.m) || metrics[0];
  const second = metrics.find(([one]) => one.id === state.m2 && one !== first[0]) || metrics.find(([one]) => /^(text|coherence|clip_t)$/.test(one.id) && one !== first[0]) || metrics.find((one) => one !== first) || first;
  byId("fail-mode").value = state.mode;
  options(byId("fail-first"), metrics.map(([one]) => [one.id, one.id + arrow(one)]), first[0].id);
  options(byId("fail-second"), metrics.filter((one) => one !== first).map(([one]) => [one.id, one.id + arrow(one)]), second[0].id);
  options(byId("fail-system"), [["", "all but the baselines"], ...group().systems.map((one) => [one.run, one.label])], state.of);
  byId("fail-second-label").hidden = state.mode !== "apart";
  byId("fail-again").hidden = state.mode !== "random";
  const found = answers(), [metric, at] = first, shown = (system, i) => `${metric.id} ${typeset(valueAt(system, at, i))}`;
  let cards = [], note = "";
  if (state.mode === "random") {
    const next = random(Number(state.draw) || 1), left = [...found];
    while (cards.length < CARDS && left.length) { const [one] = left.splice(Math.floor(next() * left.length), 1); cards.push(card(one, [shown(...one)])); }
    note = `Draw ${state.draw} of all ${found.length} videos.`;
  } else if (state.mode === "apart") {
    const x = shares(found, metric, at), y = shares(found, ...second);
    const apart = [...x.keys()].filter((place) => y.has(place)).sort((p, q) => Math.abs(x.get(q) - y.get(q)) - Math.abs(x.get(p) - y.get(p)) || p - q);
    const percent = (share) => `${Math.round(100 * share)} %`;
    cards = apart.slice(0, CARDS).map((place) => card(found[place], [[metric, at, x], [second[0], second[1], y]].map(([one, i, share]) => `${one.id} ${typeset(valueAt(found[place][0], i, found[place][1]))}: better than ${percent(share.get(place))}`)));
    note = "The two metrics place these videos farthest apart among all that are shown here. One of them is wrong, or they see different things.";
  } else {
    const x = shares(found, metric, at);
    cards = [...x.keys()].sort((p, q) => x.get(p) - x.get(q) || p - q).slice(0, CARDS).map((place) => card(found[place], [shown(...found[place])]));
    note = `The lowest places in ${metric.title} among ${x.size} videos.`;
  }
  byId("fail-note").textContent = note;
  byId("fail-play").hidden = !data.media;
  byId("fail-play").textContent = playing ? "Pause all" : "Play all";
  gallery.replaceChildren(...cards);
}
for (const [id, key] of Object.entries({ "fail-mode": "mode", "fail-first": "m", "fail-second": "m2", "fail-system": "of" })) byId(id).addEventListener("change", (event) => set({ [key]: event.target.value }));
byId("fail-again").addEventListener("click", () => set({ draw: String((Number(state.draw) || 1) + 1) }));
byId("fail-play").addEventListener("click", () => {
  playing = !playing;
  byId("fail-play").textContent = playing ? "Pause all" : "Play all";
  for (const video of byId("gallery").querySelectorAll("video")) { if (playing) video.play(); else video.pause(); }
});
