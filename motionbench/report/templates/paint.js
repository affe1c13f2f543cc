// Object colours: Okabe and Ito's, some lightened to stand out on video; numbers repeat what colours say.
const COLOURS = [[230, 159, 0], [86, 180, 233], [43, 181, 138], [240, 228, 66], [122, 157, 245], [240, 123, 74], [215, 139, 185]];
const TRAIL = 6;
const colour = (id) => (id < 1 ? 6 : (id - 1) % 7);

function plane(screen, frame) {
  if (screen.planes.has(frame)) return screen.planes.get(frame);
  const { width, height, masks, object_ids: ids } = screen.overlay;
  const made = element("canvas");
  made.width = width; made.height = height;
  const context = made.getContext("2d");
  const image = context.createImageData(width, height);
  const centres = [];
  masks[frame].forEach((runs, k) => {
    const inside = new Uint8Array(width * height);
    let at = 0, count = 0, sumX = 0, sumY = 0;
    runs.forEach((run, i) => { if (i % 2) inside.fill(1, at, at + run); at += run; });
    const [r, g, b] = COLOURS[colour(ids[k])];
    for (let p = 0; p < inside.length; p += 1) {
      if (!inside[p]) continue;
      const x = p % width;
      const edge = x === 0 || x === width - 1 || !inside[p - 1] || !inside[p + 1] || !inside[p - width] || !inside[p + width];
      image.data.set([r, g, b, edge ? 245 : 84], 4 * p);
      count += 1; sumX += x; sumY += (p - x) / width;
    }
    if (count) centres.push([ids[k], sumX / count, sumY / count]);
  });
  context.putImageData(image, 0, 0);
  screen.planes.set(frame, { image: made, centres });
  return screen.planes.get(frame);
}

function draw(screen) {
  const { canvas, video, overlay, frame } = screen;
  const ratio = window.devicePixelRatio || 1;
  const box = { width: video.clientWidth, height: video.clientHeight };
  canvas.width = Math.round(box.width * ratio);
  canvas.height = Math.round(box.height * ratio);
  Object.assign(canvas.style, { width: `${box.width}px`, height: `${box.height}px` });
  if (!overlay || !screen.ready || !box.width) return;
  const scale = Math.min(box.width / overlay.width, box.height / overlay.height);  // as object-fit: contain does
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  context.translate((box.width - scale * overlay.width) / 2, (box.height - scale * overlay.height) / 2);
  const at = ([x, y]) => [(x + 0.5) * scale, (y + 0.5) * scale];
  const badges = [];
  if (transport.masks.checked && overlay.masks && overlay.masks[frame]) {
    const { image, centres } = plane(screen, frame);
    context.drawImage(image, 0, 0, overlay.width * scale, overlay.height * scale);
    for (const [id, x, y] of centres) badges.push([id, at([x, y])]);
  }
  if (transport.tracks.checked && overlay.tracks) {
    overlay.tracks.xy.forEach((track, n) => trail(context, track, frame, COLOURS[colour(overlay.tracks.object_ids[n])], overlay.tracks.object_ids[n], at));
  }
  for (const [id, place] of badges) badge(context, id, place);  // above all else, so that they can be read
}
function badge(context, id, [x, y]) {
  context.beginPath();
  context.arc(x, y, 9, 0, 2 * Math.PI);
  context.fillStyle = `rgb(${COLOURS[colour(id)]})`;
  context.fill();
  context.fillStyle = "#111";
  context.font = "700 11px system-ui, sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(String(id), x, y + 0.5);
}
function trail(context, track, frame, rgb, id, at) {
  const paint = id > 0 ? `rgb(${rgb})` : "rgb(255 255 255 / .75)";
  for (const [width, style] of [[3.2, "rgb(0 0 0 / .55)"], [1.5, paint]]) {
    context.lineWidth = width;
    context.strokeStyle = style;
    context.lineJoin = "round";
    context.beginPath();
    let drawing = false;
    for (let i = Math.max(0, frame - TRAIL); i <= frame; i += 1) {
      if (!track[i]) { drawing = false; continue; }
      const [x, y] = at(track[i]);
      if (drawing) context.lineTo(x, y); else context.moveTo(x, y);
      drawing = true;
    }
    context.stroke();
  }
  if (!track[frame]) return;
  const [x, y] = at(track[frame]);
  context.beginPath();
  context.arc(x, y, id > 0 ? 3 : 2.2, 0, 2 * Math.PI);
  context.fillStyle = paint;
  context.fill();
  context.lineWidth = 1;
  context.strokeStyle = "rgb(0 0 0 / .7)";
  context.stroke();
}
