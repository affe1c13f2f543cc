// ---- two systems, case by case ----
function paired(a, b, metric, subset) {  // differences of a minus b over the cases that both have
  const found = [];
  group().cases.forEach((one, i) => {
    if (subset !== "all" && one.subset !== subset) return;
    const x = a[i], y = b[i];
    if (x === null || y === null) return;
    const d = Math.abs(x - y) <= 1e-12 * Math.max(Math.abs(x), Math.abs(y)) ? 0 : x - y;
    found.push({ case: one, x, y, d, good: d * sign(metric) });
  });
  return found;
}
function summary(found) {
  const n = found.length, mean = found.reduce((sum, one) => sum + one.d, 0) / n;
  const wins = found.filter((one) => one.good > 0).length, losses = found.filter((one) => one.good < 0).length;
  if (n < 8) return { n, mean, wins, losses, ties: n - wins - losses, low: null, high: null, p: null };
  const se = Math.sqrt(found.reduce((sum, one) => sum + (one.d - mean) ** 2, 0) / (n - 1) / n);
  const seen = found.map((one) => one.d), half = tQuantile(n - 1) * se;
  // A mean cannot lie beyond what is averaged, which Student's t does not know.
  const low = Math.max(mean - half, Math.min(...seen)), high = Math.min(mean + half, Math.max(...seen));
  return { n, mean, wins, losses, ties: n - wins - losses, low, high, p: signFlip(seen) };
}
function tQuantile(dof) {  // of 0.975; Cornish and Fisher's expansion, right to 0.003 from 7 degrees of freedom on
  const z = 1.959964, z3 = z ** 3, z5 = z ** 5, z7 = z ** 7;
  return z + (z3 + z) / (4 * dof) + (5 * z5 + 16 * z3 + 3 * z) / (96 * dof ** 2) + (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * dof ** 3);
}
function signFlip(differences, draws = 10000) {
  const next = random(1), bound = Math.abs(differences.reduce((sum, d) => sum + d, 0)) * (1 - 1e-9);
  let extreme = 1;
  for (let k = 0; k < draws; k += 1) {
    let sum = 0;
    for (let i = 0; i < differences.length; i += 1) sum += next() < 0.5 ? differences[i] : -differences[i];
    extreme += Math.abs(sum) >= bound;
  }
  return extreme / (draws + 1);
}
function holm(values) {
  const order = values.map((p, i) => [p, i]).filter(([p]) => p !== null).sort((x, y) => x[0] - y[0]), result = values.map(() => null);
  let largest = 0;
  order.forEach(([p, i], place) => { largest = Math.max(largest, Math.min(1, (order.length - place) * p)); result[i] = largest; });
  return result;
}
const probability = (p) => (p === null ? "–" : p < 0.001 ? "< 0.001" : p.toFixed(p < 0.1 ? 3 : 2));
const SIDE = 340, EDGE = 34;

function scatter(found, left, right, metric) {
  const values = found.flatMap((one) => [one.x, one.y]);
  let low = Math.min(...values), high = Math.max(...values);
  if (low === high) { low -= 0.5; high += 0.5; }
  const air = 0.04 * (high - low), at = (v) => EDGE + (v - low + air) / (high - low + 2 * air) * (SIDE - EDGE - 8);
  const x = (v) => at(v).toFixed(1), y = (v) => (SIDE - at(v)).toFixed(1);
  const marks = found.map((one) => {
    const kind = one.good > 0 ? "win" : one.good < 0 ? "loss" : "tie";
    const mark = kind === "loss" ? svg("rect", { x: x(one.y) - 3.4, y: y(one.x) - 3.4, width: 6.8, height: 6.8, class: kind })
      : svg("circle", { cx: x(one.y), cy: y(one.x), r: 4, class: kind });
    const title = svg("title", {});
    title.textContent = `${one.case.id}: ${typeset(one.x)} and ${typeset(one.y)}`;
    mark.append(title);  // for a mouse; the lists beside it have the links
    mark.addEventListener("click", () => { location.hash = hashOf({ view: "cases", c: one.case.key }); });
    return mark;
  });
  const label = (text, more) => { const made = svg("text", more); made.textContent = text; return made; };
  const short = (text) => (text.length > 30 ? `${text.slice(0, 29)}…` : text);
  return svg("svg", { viewBox: `0 0 ${SIDE} ${SIDE}`, class: "scatter", role: "img", "aria-label": `${metric.title} of ${found.length} cases: ${left.label} upwards, ${right.label} to the right` },
    svg("path", { class: "frame-line", d: `M${EDGE} 8V${SIDE - EDGE}H${SIDE - 8}` }),
    svg("path", { class: "even", d: `M${x(low)} ${y(low)}L${x(high)} ${y(high)}` }), ...marks,
    label(typeset(low), { x: EDGE, y: SIDE - EDGE + 13 }), label(typeset(high), { x: SIDE - 8, y: SIDE - EDGE + 13, "text-anchor": "end" }),
    label(short(right.label), { x: (SIDE + EDGE) / 2, y: SIDE - 6, "text-anchor": "middle" }),
    label(short(left.label), { x: 12, y: (SIDE - EDGE) / 2, "text-anchor": "middle", transform: `rotate(-90 12 ${(SIDE - EDGE) / 2})` }),
    label(typeset(high), { x: EDGE - 4, y: 16, "text-anchor": "end" }));
}
function tally(found) {
  const n = found.wins + found.ties + found.losses, bar = svg("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" });
  let at = 0;
  for (const [kind, count] of [["win", found.wins], ["tie", found.ties], ["loss", found.losses]]) {
    bar.append(svg("rect", { x: at, y: 0, width: 100 * count / n, height: 10, class: kind }));
    at += 100 * count / n;
  }
  const made = element("div", null, "tally");
  made.append(bar);
  return made;
}
function turns(heading, found) {
  const made = element("div"), list = element("ol");
  made.append(element("h3", heading));
  for (const one of found) {
    const item = element("li");
    item.append(link({ view: "cases", c: one.case.key }, one.case.id), element("span", `${typeset(one.x)} / ${typeset(one.y)}`, "num"));
    list.append(item);
  }
  made.append(found.length ? list : element("p", "None.", "fine"));
  return made;
}
function every(left, right, subset, chosen) {  // all metrics, Holm over them
  const found = withCases().filter(([, i]) => left.values[i] && right.values[i])
    .map(([metric, i]) => [metric, paired(left.values[i], right.values[i], metric, subset)]).filter(([, some]) => some.length)
    .map(([metric, some]) => [metric, summary(some)]);
  const adjusted = holm(found.map(([metric, one]) => (metric.direction === "none" ? null : one.p)));
  const head = element("tr");
  ["Metric", "Difference", "95 % interval", "p (Holm)", "Better", "Equal", "Worse", "Cases"].forEach((text, i) => { const cell = element("th", text, i ? "num" : ""); cell.scope = "col"; head.append(cell); });
  const rows = found.map(([metric, one], i) => {
    const row = element("tr", null, metric.id === chosen.id ? "now" : ""), name = element("th"), free = metric.direction === "none";
    name.scope = "row";
    name.append(link({ m: metric.id }, metric.id + arrow(metric)));
    name.title = metric.title;
    const digits = metric.decimals;
    row.append(name, element("td", (one.mean > 0 ? "+" : "") + typeset(one.mean, digits), "num"),
      element("td", one.low === null ? "–" : `[${typeset(one.low, digits)}, ${typeset(one.high, digits)}]`, "num"),
      element("td", probability(adjusted[i]), "num"), ...[one.wins, one.ties, one.losses].map((count) => element("td", free ? "–" : String(count), "num")), element("td", String(one.n), "num"));
    return row;
  });
  const made = element("table", null, "grid"), top = element("thead"), body = element("tbody"), box = element("div", null, "scroll");
  top.append(head); body.append(...rows); made.append(top, body); box.append(made);
  box.tabIndex = 0; box.setAttribute("role", "region"); box.setAttribute("aria-label", "All metrics");
  return box;
}
function renderCompare() {
  const { systems } = group(), out = byId("versus");
  const left = systemOf(state.a) || systems[0], right = systemOf(state.b) || systems.find((system) => system !== left);
  const metrics = withCases();
  if (!right || !metrics.length) { out.replaceChildren(element("p", "There is nothing to compare yet.", "fine")); return; }
  const names = systems.map((system) => [system.run, system.label]);
  options(byId("left"), names, left.run);
  options(byId("right"), names, right.run);
  const [metric, at] = metrics.find(([one]) => one.id === state.m) || metrics[0];
  options(byId("compare-metric"), metrics.map(([one]) => [one.id, one.id + arrow(one)]), metric.id);
  const found = left.values[at] && right.values[at] ? paired(left.values[at], right.values[at], metric, state.s) : [];
  if (!found.length) { out.replaceChildren(element("p", `The two have no case in common in ${metric.id}.`, "fine"), every(left, right, state.s, metric)); return; }
  const one = summary(found), digits = metric.decimals;
  const said = element("p", null, "verdict");
  said.append(element("bdi", left.label), " − ", element("bdi", right.label), ` = ${one.mean > 0 ? "+" : ""}${typeset(one.mean, digits)}`,
    one.low === null ? ` (${one.n} cases are too few for an interval)` : ` [${typeset(one.low, digits)}, ${typeset(one.high, digits)}], p ${one.p < 0.001 ? "< 0.001" : `= ${probability(one.p)}`}`);
  const key = element("p", null, "keyline");
  for (const [kind, count, text] of [["win", one.wins, " better ●"], ["tie", one.ties, " equal"], ["loss", one.losses, " worse ☐"]]) { const part = element("span", null, kind); part.append(element("b", String(count)), text); key.append(part); }
  const order = [...found].sort((p, q) => q.good - p.good || (p.case.id < q.case.id ? -1 : 1));
  const lists = element("div", null, "turns");
  lists.append(turns(`Most for ${left.label}`, order.filter((p) => p.good > 0).slice(0, 5)), turns(`Most for ${right.label}`, order.filter((p) => p.good < 0).reverse().slice(0, 5)));
  const side = element("div"), both = element("div", null, "versus");
  side.append(said, ...(metric.direction === "none" ? [element("p", "Neither more nor less is better here.", "fine")] : [tally(one), key, lists]),
    element("p", `${metric.title}, ${state.s === "all" ? "all cases" : `${state.s}-object cases`}. Interval: Student's t over the cases, within the differences that were seen; p: sign-flip permutation, 10,000 draws, values to four digits. “motionbench compare” has the exact numbers.`, "fine"));
  both.append(scatter(found, left, right, metric), side);
  out.replaceChildren(both, every(left, right, state.s, metric));
}
byId("left").addEventListener("change", (event) => set({ a: event.target.value, b: byId("right").value }));
byId("right").addEventListener("change", (event) => set({ b: event.target.value, a: byId("left").value }));
byId("swap").addEventListener("click", () => set({ a: byId("right").value, b: byId("left").value }));
byId("compare-metric").addEventListener("change", (event) => set({ m: event.target.value }));
