// ---- what can be taken away: the table as it is shown ----
function save(name, text) {
  const made = element("a");
  made.href = URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" }));
  made.download = name;
  made.click();
  setTimeout(() => URL.revokeObjectURL(made.href), 10000);
}
function shownCells() {
  const { table, heads } = shownTable();
  const columns = heads.map((head, i) => i).filter((i) => !heads[i].hidden && heads[i].dataset.metric);
  const rows = [...table.tBodies[0].rows].filter((row) => !row.hidden);
  return { heads, columns, rows };
}
const plain = (text) => text.replaceAll("−", "-").replaceAll(" ", " ");
function parts(cell) {  // number, the rest, mark
  const rest = cell.querySelector("i"), mark = cell.querySelector("b") ? "best" : cell.querySelector("u") ? "second" : "";
  const number = plain([...cell.childNodes].filter((node) => node !== rest && node.nodeName !== "svg").map((node) => node.textContent).join("").trim());
  return [number, rest ? plain(rest.textContent) : "", mark];
}
function csvField(text) {
  const safe = /^[=+\-@]/.test(text) && isNaN(Number(text)) ? `'${text}` : text;  // a spreadsheet would run it
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
function asCsv() {
  const { heads, columns, rows } = shownCells();
  const lines = [["dataset", "subset", "system", "run", "tier", "baseline", "rank", "metric", "backend", "direction", "value", "shown", "mark", "scale"]];
  const scale = anchoredShown() ? "static 0, real videos 1" : "metric";
  for (const row of rows) {
    const system = systemOf(row.dataset.run);
    for (const i of columns) {
      const metric = group().metrics[metricAt(heads[i].dataset.metric)];
      const [number, rest, mark] = parts(row.cells[i]);
      lines.push([group().title, state.s, system.label, system.run, system.tier, system.baseline, row.cells[0].textContent.trim().replace("–", "-"),
        metric.id, metric.backend, metric.direction, row.cells[i].dataset.v, rest ? `${number} ${rest}` : number, mark, scale]);
    }
  }
  return lines.map((line) => line.map(csvField).join(",")).join("\n") + "\n";
}
const TEX = { "\\": "\\textbackslash{}", "{": "\\{", "}": "\\}", $: "\\$", "&": "\\&", "#": "\\#", "%": "\\%", _: "\\_", "^": "\\textasciicircum{}", "~": "\\textasciitilde{}", "<": "\\textless{}", ">": "\\textgreater{}", "|": "\\textbar{}", '"': "''", "±": "$\\pm$", "·": "$\\cdot$" };
const tex = (text) => text.replace(/[\\{}$&#%_^~<>|"±·]/g, (found) => TEX[found]);
function asLatex() {
  const { heads, columns, rows } = shownCells();
  const head = columns.map((i) => {
    const metric = group().metrics[metricAt(heads[i].dataset.metric)];
    return tex(metric.id) + ({ higher: " $\\uparrow$", lower: " $\\downarrow$", none: "" })[anchoredShown() ? "higher" : metric.direction];
  });
  const line = (row) => [tex(systemOf(row.dataset.run).label), ...columns.map((i) => {
    const [number, rest, mark] = parts(row.cells[i]);
    const marked = { best: `\\textbf{${tex(number)}}`, second: `\\underline{${tex(number)}}`, "": tex(number) }[mark];
    return rest ? `${marked} {\\scriptsize ${tex(rest)}}` : marked;
  })].join(" & ") + " \\\\";
  const block = (some) => (some.length ? ["\\midrule", ...some.map(line)] : []);
  const meaning = anchoredShown() ? "Share of the way from static (0) to the real videos (1), interquartile means, not ranked." : "Bold: not certainly beaten by any other; underlined: the next best possible rank. Brackets: 95\\% interval over the cases.";
  const baselines = rows.filter((row) => row.classList.contains("base"));
  return [
    "% needs \\usepackage{booktabs,graphicx}", "\\begin{table}", "\\centering",
    `\\caption{${tex(`${group().title}, ${state.s} cases.`)} ${meaning} Below the rule: baselines, not ranked.}`,
    "\\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%",
    `\\begin{tabular}{l${"r".repeat(columns.length)}}`, "\\toprule", ["system", ...head].join(" & ") + " \\\\",
    ...block(rows.filter((row) => !row.classList.contains("base"))), ...block(baselines), "\\bottomrule", "\\end{tabular}}", "\\end{table}", "",
  ].join("\n");
}
function asBibtex() {
  const known = shownCells().rows.map((row) => systemOf(row.dataset.run).bibtex).filter(Boolean).map((text) => text.trim());
  const own = "@software{motionbench,\n  title = {motionbench: trustworthy scores for image-to-video generation},\n  author = {{The motionbench developers}},\n}";
  return [own, ...new Set(known)].join("\n\n") + "\n";
}
byId("save-csv").addEventListener("click", () => save("board.csv", asCsv()));
byId("save-tex").addEventListener("click", () => save("board.tex", asLatex()));
byId("save-bib").addEventListener("click", () => save("board.bib", asBibtex()));
