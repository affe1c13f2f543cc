"use strict";
(function () {
  const page = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const left = byId("left"), right = byId("right");
  let rater = "", items = [], answers = {}, at = 0;

  // FNV-1a over UTF-16 units, then mulberry32: the same name and seed give the same order on every machine.
  function hash(text) {
    let h = 0x811c9dc5;
    for (let i = 0; i < text.length; i += 1) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
    return h >>> 0;
  }
  function random(state) {
    return function () {
      state = (state + 0x6d2b79f5) >>> 0;
      let z = Math.imul(state ^ (state >>> 15), state | 1);
      z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
      return ((z ^ (z >>> 14)) >>> 0) / 4294967296;
    };
  }

  // All questions about a case follow each other, with the same sides.
  function plan(name) {
    const draw = random(hash(page.seed + "/" + name));
    const cases = page.cases.slice();
    for (let i = cases.length - 1; i > 0; i -= 1) {
      const j = Math.floor(draw() * (i + 1));
      [cases[i], cases[j]] = [cases[j], cases[i]];
    }
    const found = [];
    for (const entry of cases) {
      const swapped = draw() < 0.5;
      for (const question of page.questions) found.push({ entry, question, swapped });
    }
    return found;
  }
  const key = (item) => JSON.stringify([item.entry.id, item.question]);

  const slot = () => "motionbench-votes/" + page.key + "/" + rater;
  function remember() {
    try {
      localStorage.setItem(slot(), JSON.stringify(answers));
    } catch (error) {
      byId("storage").hidden = false;
    }
  }
  function recall() {
    let kept = null;
    try {
      kept = JSON.parse(localStorage.getItem(slot()));
    } catch (error) {
      byId("storage").hidden = false;
    }
    const found = {};
    for (const item of items) {
      const answer = kept && kept[key(item)];
      if (answer === "a" || answer === "b" || answer === "tie") found[key(item)] = answer;
    }
    return found;
  }

  function show() {
    const answered = items.filter((item) => answers[key(item)]).length;
    const over = at >= items.length;
    byId("task").hidden = over;
    byId("done").hidden = !over;
    if (over) {
      left.pause();
      right.pause();
      byId("summary").textContent = answered + " of " + items.length + " answered. Download your answers and send the file.";
      return;
    }
    const item = items[at];
    byId("bar").value = answered / items.length;
    byId("count").textContent = at + 1 + " of " + items.length;
    byId("question").textContent = item.question;
    byId("prompt").textContent = item.entry.prompt ? "It was asked for: " + item.entry.prompt : "";
    byId("trouble").hidden = true;
    byId("back").disabled = at === 0;
    const sources = item.swapped ? [item.entry.b, item.entry.a] : [item.entry.a, item.entry.b];
    [left, right].forEach((video, side) => {
      if (video.getAttribute("src") !== sources[side]) video.src = sources[side];
    });
    replay();
  }
  function replay() {
    for (const video of [left, right]) {
      try {
        video.currentTime = 0;
      } catch (error) {
        // nothing is loaded yet, and it starts at 0 anyway
      }
      const started = video.play();
      if (started) started.catch(() => {});
    }
  }
  function answer(side) {
    const item = items[at];
    if (!item) return;
    answers[key(item)] = side === "tie" ? "tie" : (side === "left") !== item.swapped ? "a" : "b";
    remember();
    move(1);
  }
  function move(step) {
    at = Math.max(0, Math.min(items.length, at + step));
    show();
  }

  const field = (text) => (/[",\r\n]|^\s|\s$/.test(text) ? '"' + text.replace(/"/g, '""') + '"' : text);
  function csv() {
    const lines = [["case_id", "system_a", "system_b", "question", "vote", "rater"]];
    for (const item of items) {
      const vote = answers[key(item)];
      if (vote) lines.push([item.entry.id, page.systems[0], page.systems[1], item.question, vote, rater]);
    }
    return lines.map((line) => line.map(field).join(",") + "\n").join("");
  }
  function save() {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([csv()], { type: "text/csv" }));
    link.download = "votes-" + rater.replace(/[^A-Za-z0-9_-]+/g, "-") + ".csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  function start(event) {
    event.preventDefault();
    rater = byId("rater").value.trim();
    if (!rater) return;
    items = plan(rater);
    answers = recall();
    const open = items.findIndex((item) => !answers[key(item)]);
    at = open < 0 ? items.length : open;
    byId("start").hidden = true;
    show();
  }
  function press(event) {
    if (byId("task").hidden || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const does = {
      ArrowLeft: () => answer("left"),
      ArrowRight: () => answer("right"),
      ArrowDown: () => answer("tie"),
      r: replay,
      b: () => move(-1),
      s: () => move(1),
    }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (does) {
      event.preventDefault();
      does();
    }
  }

  byId("form").addEventListener("submit", start);
  document.addEventListener("keydown", press);
  for (const button of document.querySelectorAll("[data-answer]")) {
    button.addEventListener("click", () => answer(button.dataset.answer));
  }
  byId("replay").addEventListener("click", replay);
  byId("back").addEventListener("click", () => move(-1));
  byId("skip").addEventListener("click", () => move(1));
  byId("again").addEventListener("click", () => move(-1));
  byId("save").addEventListener("click", save);
  byId("save-done").addEventListener("click", save);
  for (const video of [left, right]) {
    video.addEventListener("error", () => {
      byId("trouble").hidden = false;
    });
  }
  window.addEventListener("beforeunload", (event) => {
    if (!byId("storage").hidden && Object.keys(answers).length) event.preventDefault();
  });
})();
