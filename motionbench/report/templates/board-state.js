// ---- what is shown, kept in the address after "#": view, then key=value ----
const VIEWS = [...document.querySelectorAll(".view")].map((view) => view.id);
const groups = new Map(data.groups.map((group) => [group.key, group]));
const largest = data.groups.reduce((best, one) => (best && best.cases.length >= one.cases.length ? best : one), null);
const DEFAULTS = {  // of few cases little can be ranked: the data set with the most is shown first
  view: "board", g: largest ? largest.key : "", s: "all", sort: "", dir: "", tier: "", profile: "", not: "", q: "",
  cols: "Main", base: "1", way: "0", a: "", b: "", m: "", c: "", show: "", mode: "worst", m2: "", of: "", draw: "1",
};
const state = { ...DEFAULTS };

function readHash() {
  const [view, ...pairs] = location.hash.replace(/^#\/?/, "").split("&");  // "/" keeps the browser from scrolling there
  Object.assign(state, DEFAULTS, VIEWS.includes(view) ? { view } : {});
  for (const pair of pairs) {
    const at = pair.indexOf("="), key = pair.slice(0, at);
    if (at < 1 || !Object.prototype.hasOwnProperty.call(DEFAULTS, key) || key === "view") continue;
    try { state[key] = decodeURIComponent(pair.slice(at + 1)); } catch { continue; }  // a broken escape is no state
  }
  if (!groups.has(state.g)) state.g = DEFAULTS.g;
}
function hashOf(changes) {
  const wanted = { ...state, ...changes };
  const pairs = Object.entries(wanted).filter(([key, value]) => key !== "view" && value !== DEFAULTS[key]);
  return "#/" + [wanted.view, ...pairs.map(([key, value]) => `${key}=${encodeURIComponent(value)}`)].join("&");
}
function set(changes) {
  Object.assign(state, changes);
  history.replaceState(null, "", hashOf({}));
  render();
}

const group = () => groups.get(state.g);
const metricAt = (id) => Math.max(0, group().metrics.findIndex((metric) => metric.id === id));
const withCases = () => group().metrics.map((metric, i) => [metric, i]).filter(([, i]) => group().systems.some((system) => system.values[i]));
const systemOf = (run) => group().systems.find((system) => system.run === run);
const sign = (metric) => (metric.direction === "lower" ? -1 : 1);
const arrow = (metric) => ({ higher: " ↑", lower: " ↓", none: "" })[metric.direction];
function typeset(value, digits) {
  if (value === null || value === undefined) return "–";
  const text = digits === undefined ? String(Number(value.toPrecision(3))) : value.toFixed(digits);
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
}
function options(select, entries, value) {  // entries: [value, text]
  select.replaceChildren(...entries.map(([key, text]) => { const made = element("option", text); made.value = key; return made; }));
  if (entries.some(([key]) => key === value)) select.value = value;
}
function link(changes, text, kind) {
  const made = isolated("a", text, kind);
  made.href = hashOf(changes);
  return made;
}
function svg(tag, attributes, ...inside) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...inside);
  return made;
}
function random(seed) {  // Mulberry32: the same draw for the same link
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
