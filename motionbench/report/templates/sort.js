// ---- tables that sort by a click on a head ----
// read(cell, column) is a number (NaN stays last) or a text; with `done`, sorting is left to it.
function sortable(table, read, done) {
  const heads = [...table.tHead.rows[0].cells];
  const by = (column, up) => {
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    heads[column].setAttribute("aria-sort", up ? "ascending" : "descending");
    const rows = [...table.tBodies[0].rows].map((row) => [read(row.cells[column], column), row]);
    rows.sort(([a], [b]) => {
      if (typeof a === "string") return (up ? 1 : -1) * (a < b ? -1 : a > b ? 1 : 0);
      if (isNaN(a) || isNaN(b)) return isNaN(a) - isNaN(b);
      return (up ? 1 : -1) * (a - b);
    });
    table.tBodies[0].replaceChildren(...rows.map((entry) => entry[1]));
  };
  heads.forEach((head, column) => {
    if (head.dataset.sort === "no") return;
    const button = element("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const now = head.getAttribute("aria-sort");
      const up = now ? now === "descending" : head.dataset.sort !== "down";
      if (done) done(column, up); else by(column, up);
    });
  });
  return by;
}
