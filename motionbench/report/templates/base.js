const byId = (id) => document.getElementById(id);
const root = document.documentElement;
root.classList.add("js");

const data = JSON.parse(byId("data").textContent);
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
