// ---- what is said of a case ----
const cases = data.cases;
const places = new Map(cases.map((one, index) => [one.key, index]));
const ui = Object.fromEntries(["choice", "previous", "next", "filter", "position", "facts", "more"].map((id) => [id, byId(id)]));

function table(label, heads, rows) {
  const made = element("table"), head = element("tr");
  heads.forEach((text, i) => { const cell = isolated("th", text, i ? "num" : ""); cell.scope = "col"; head.append(cell); });
  const top = element("thead"), body = element("tbody");
  top.append(head);
  body.append(...rows);
  made.append(top, body);
  const wide = element("div", null, "wide");
  wide.tabIndex = 0; // what scrolls sideways must scroll by keyboard as well
  wide.setAttribute("role", "region");
  wide.setAttribute("aria-label", label);
  wide.append(made);
  return wide;
}
const anchored = (one) => one.rows.some((row) => row.reference);
function valueRow(row, metric, real) {
  const made = element("tr", null, row.bad ? "bad" : ""), name = element("th", metric.title);
  name.scope = "row";
  name.title = metric.name;
  made.append(name);
  if (row.status === "ok" && row.value) {
    made.append(element("td", row.value, "num"));
    if (real) made.append(element("td", row.reference, "num real"));
    made.append(element("td", row.place, "num place"));
  } else {
    const cell = isolated("td", row.status === "ok" ? "counts in the set only" : `${row.status.replace("_", " ")}: ${row.note}`, "note");
    cell.colSpan = real ? 3 : 2;
    made.append(cell);
  }
  return made;
}
function details(one) {
  const found = one.rows.map((row, i) => [row, data.metrics[i]]).filter(([row]) => (row.parts && row.parts.length) || (row.objects && row.objects.length));
  const made = element("div", null, "blocks");
  const names = new Map((one.words ? one.words.objects : []).map((thing) => [thing.id, thing.name]));
  for (const [row, metric] of found) {
    const block = element("div", null, row.objects.length ? "broad" : "");
    block.append(element("p", metric.title, "block"));
    made.append(block);
    if (row.parts.length) {
      const list = element("div", null, "parts");
      row.parts.forEach(([name, value]) => {
        const pair = element("div");
        pair.append(isolated("span", name.replaceAll("_", " ")), element("span", value, "num"));
        list.append(pair);
      });
      block.append(list);
    }
    if (row.objects.length) {
      block.append(table(`${metric.title}: objects`, ["object", ...row.columns.map((name) => name.replaceAll("_", " "))], row.objects.map(([id, ...values]) => {
        const line = element("tr"), head = element("th");
        head.scope = "row";
        head.append(swatch(id), element("bdi", names.get(id) || ""));
        line.append(head, ...values.map((value) => element("td", value, "num")));
        return line;
      })));
    }
  }
  return found.length ? [element("h4", "Components and objects"), made] : [];
}
const swatch = (id) => element("span", id, `swatch o${(colour(id) + 1) % 7}`);

function describe(one) {
  const parts = [isolated("h3", one.id)];
  if (one.words) {
    parts.push(isolated("p", one.words.caption, "caption"));
    if (one.words.prompt) parts.push(isolated("p", one.words.prompt, "prompt"));
    const list = element("ul", null, "objects");
    one.words.objects.forEach((thing) => { const item = element("li"); item.append(swatch(thing.id), element("bdi", thing.name)); list.append(item); });
    parts.push(list);
  }
  parts.push(table("Values of this case", anchored(one) ? ["metric", "value", "real", "from worst"] : ["metric", "value", "from worst"],
    one.rows.map((row, i) => valueRow(row, data.metrics[i], anchored(one)))));
  if (one.match) parts.push(element("p", `Best match of the input picture in the first frame: ${one.match}.`, "fine"));
  ui.facts.replaceChildren(...parts);
  ui.more.replaceChildren(...details(one));
}
