const SIDES = ["generated", "reference"];
const byId = (id) => document.getElementById(id);
const root = document.documentElement;
root.classList.add("js");

const data = JSON.parse(byId("data").textContent);
const cases = data.cases;
const places = new Map(cases.map((one, index) => [one.key, index]));
const still = window.matchMedia("(prefers-reduced-motion: reduce)");

function element(tag, text, kind) {
  const made = document.createElement(tag);
  if (text !== undefined && text !== null) made.textContent = text;
  if (kind) made.className = kind;
  return made;
}
function isolated(tag, text, kind) {  // text from outside may be of either writing direction
  const made = element(tag, null, kind);
  made.append(element("bdi", text));
  return made;
}
byId("theme").addEventListener("click", () => {
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : window.matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
});

// ---- the table of all values: sorting ----
const grid = byId("grid");
if (grid) {
  const heads = [...grid.tHead.rows[0].cells];
  const raised = "⁰¹²³⁴⁵⁶⁷⁸⁹";
  const number = (text) => Number(text === "–" ? NaN
    : text.replace("×10", "e").replace(/[⁰¹²³⁴-⁹]/g, (digit) => raised.indexOf(digit)).replace(/[−⁻]/g, "-"));
  heads.forEach((head, column) => {
    const button = element("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const numeric = head.classList.contains("num");
      const rows = [...grid.tBodies[0].rows].map((row) => {
        const text = row.cells[column].textContent.trim();
        return [numeric ? number(text) : text, row];
      });
      rows.sort(([a], [b]) => {
        if (!numeric) return (up ? 1 : -1) * (a < b ? -1 : a > b ? 1 : 0);
        if (isNaN(a) || isNaN(b)) return isNaN(a) - isNaN(b);  // cases without a value stay last
        return (up ? 1 : -1) * (a - b);
      });
      grid.tBodies[0].append(...rows.map((entry) => entry[1]));
    });
  });
}
