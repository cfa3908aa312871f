// The heatmap: names and days are elements, the cells one canvas, so that 12,000 stay quick.
"use strict";
(() => {
  const host = document.getElementById("heat");
  if (!host) return;
  const twin = JSON.parse(document.getElementById("twin").textContent);
  const [EXPECTED, OBSERVED, QUIET, REFUSED, REVISIONS, SETTLED, GAPS] = [0, 1, 2, 3, 4, 5, 6];
  const STEPS = [100, 99, 95, 90, 75, 50, 0];
  const LABELS = ["100 %", "from 99", "95", "90", "75", "50", "below"];
  const OPEN = 9 * 60 + 30;
  const LISTED = 9;
  const days = twin.sessions;
  const tall = 20;
  const canvas = document.getElementById("cells");
  const cursor = document.getElementById("cursor");
  const told = document.getElementById("told");
  const said = document.getElementById("said");
  const state = { by: "observed", rows: twin.tickers, at: null };
  let wide = 12; // of a cell, in pixels; drawn names say how much is left
  let painted = 0;

  const element = (kind, text, style) => {
    const made = document.createElement(kind);
    if (text !== undefined) made.textContent = text;
    if (style) made.className = style;
    return made;
  };
  const words = (name) => name.replaceAll("_", " ");
  const clock = (minute) => {
    const at = OPEN + minute;
    return `${String(Math.floor(at / 60)).padStart(2, "0")}:${String(at % 60).padStart(2, "0")}`;
  };
  const threes = (flat) => Array.from({ length: flat.length / 3 }, (_, at) => flat.slice(3 * at, 3 * at + 3));
  const present = (cell) => cell[OBSERVED] + (state.by === "quiet" ? cell[QUIET] : 0);
  // Cut, not rounded, as the twin does: 100 is said of the whole alone.
  const percent = (part, whole) => Math.floor((1000 * part) / whole) / 10;
  const step = (cell) => {
    const share = (100 * present(cell)) / cell[EXPECTED];
    return STEPS.findIndex((least) => share >= least);
  };
  const page = (row, day) => `ticker/${encodeURIComponent(row.ticker)}.html${day ? "#" + day.session_date : ""}`;

  function drawLegend() {
    const legend = document.getElementById("legend");
    LABELS.forEach((label, at) => {
      const item = element("li");
      item.append(element("span", "", `swatch heat-${at}`), element("span", label));
      legend.append(item);
    });
    const none = element("li");
    none.append(element("span", "", "swatch heat-none"), element("span", "not loaded"));
    legend.append(none);
  }

  function drawDays() {
    const strip = document.getElementById("days");
    strip.style.width = `${Math.floor(days.length * wide)}px`;
    let month = "";
    days.forEach((day, at) => {
      const [, m, d] = day.session_date.split("-");
      if (m !== month) {
        const name = element("span", new Date(`${day.session_date}T12:00Z`).toLocaleString("en", { month: "short", timeZone: "UTC" }));
        name.className = "month";
        name.style.left = `${at * wide}px`;
        strip.append(name);
        month = m;
      }
      if (wide >= 17 || at % 2 === 0) {
        const number = element("span", d, day.is_early_close ? "early" : "");
        number.style.left = `${at * wide}px`;
        number.style.width = `${Math.max(wide, 16)}px`;
        strip.append(number);
      }
    });
  }

  function drawNames() {
    const column = document.getElementById("names");
    column.replaceChildren(...state.rows.map((row) => {
      const label = element(row.has_page ? "a" : "span");
      if (row.has_page) { label.href = page(row); label.tabIndex = -1; }
      label.style.height = label.style.lineHeight = `${tall}px`;
      const share = row.expected ? percent(row.observed + (state.by === "quiet" ? row.quiet : 0), row.expected) : null;
      label.append(element("span", row.ticker), element("i", share === null ? "–" : share.toFixed(1)));
      return label;
    }));
  }

  function paint(brush, row, at, y) {
    painted += 1;
    const cell = row.cells[at];
    const x = Math.round(at * wide);
    const across = Math.round((at + 1) * wide) - x - 1;
    if (cell === null) {
      brush.fillStyle = brush.none;
      brush.fillRect(x, y, across, tall - 1);
      brush.strokeStyle = brush.noneLine;
      brush.beginPath();
      brush.moveTo(x + 3, y + tall - 4);
      brush.lineTo(x + across - 3, y + 3);
      brush.stroke();
      return;
    }
    brush.fillStyle = brush.heat[step(cell)];
    brush.fillRect(x, y, across, tall - 1);
    if (!cell[SETTLED]) {
      brush.fillStyle = "#fff";
      brush.fillRect(x + across - 5, y + 2, 3, 3);
    }
  }

  function draw() {
    const scale = window.devicePixelRatio || 1;
    const [width, height] = [Math.floor(days.length * wide), state.rows.length * tall];
    Object.assign(canvas, { width: width * scale, height: height * scale });
    Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
    const look = getComputedStyle(document.documentElement);
    const colour = (name) => look.getPropertyValue(name).trim();
    const brush = canvas.getContext("2d");
    brush.scale(scale, scale);
    Object.assign(brush, { heat: STEPS.map((_, at) => colour(`--heat-${at}`)), none: colour("--none"), noneLine: colour("--none-line") });
    state.rows.forEach((row, line) => days.forEach((_, at) => paint(brush, row, at, line * tall)));
    canvas.dataset.painted = painted; // a test counts: pointing at a cell must paint none
  }

  // An element above the cells, so that they are not painted again under a moving mouse.
  function point(at) {
    cursor.hidden = !at;
    if (!at) return;
    const left = Math.round(at.day * wide);
    const width = Math.round((at.day + 1) * wide) - left - 1;
    Object.assign(cursor.style, { left: `${left}px`, top: `${at.row * tall}px`, width: `${width}px`, height: `${tall - 1}px` });
  }

  function tell(row, day, cell) {
    const parts = [element("strong", `${row.ticker}, ${day.session_date}`)];
    if (cell === null) return [...parts, element("p", "not loaded")];
    parts.push(element("p", `${percent(cell[OBSERVED], cell[EXPECTED]).toFixed(1)} % observed: ${cell[OBSERVED]} of ${cell[EXPECTED]} minutes`));
    const notes = [];
    if (!cell[SETTLED]) notes.push("unsettled");
    if (cell[REVISIONS]) notes.push(`${cell[REVISIONS]} corrected`);
    if (cell[REFUSED]) notes.push(`${cell[REFUSED]} refused`);
    if (notes.length) parts.push(element("p", notes.join(", ")));
    const list = element("ul");
    const gaps = threes(cell[GAPS]).sort((a, b) => b[1] - a[1] || a[0] - b[0]);
    for (const [from, minutes, reason] of gaps.slice(0, LISTED)) {
      const item = element("li");
      const span = minutes === 1 ? clock(from) : `${clock(from)} to ${clock(from + minutes - 1)}`;
      item.append(element("b", span), element("span", `${minutes} min, ${words(twin.reasons[reason].reason)}`));
      list.append(item);
    }
    if (gaps.length > LISTED) list.append(element("li", `and ${gaps.length - LISTED} more`));
    if (gaps.length) parts.push(list);
    if (!row.has_page) return parts;
    const link = element("a", "Open the day");
    link.href = page(row, day);
    return [...parts, link];
  }

  function show(at, place) {
    state.at = at;
    point(at);
    if (!at) { told.hidden = true; return; }
    const [row, day] = [state.rows[at.row], days[at.day]];
    told.replaceChildren(...tell(row, day, row.cells[at.day]));
    told.hidden = false;
    const box = told.getBoundingClientRect();
    told.style.left = `${Math.max(8, Math.min(place.x + 16, innerWidth - box.width - 8))}px`;
    told.style.top = `${place.y + 16 + box.height > innerHeight ? Math.max(8, place.y - box.height - 12) : place.y + 16}px`;
  }

  const under = (event) => {
    const box = canvas.getBoundingClientRect();
    const at = { day: Math.floor((event.clientX - box.left) / wide), row: Math.floor((event.clientY - box.top) / tall) };
    return days[at.day] && state.rows[at.row] ? at : null;
  };
  const same = (a, b) => a && b && a.day === b.day && a.row === b.row;
  const open = (at) => {
    const row = state.rows[at.row];
    if (row.has_page) location.href = page(row, days[at.day]);
  };

  let isTouch = false;
  canvas.addEventListener("pointerdown", (event) => { isTouch = event.pointerType === "touch"; });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerType === "touch") return;
    const at = under(event);
    if (!same(at, state.at) || told.hidden) show(at, { x: event.clientX, y: event.clientY });
  });
  canvas.addEventListener("pointerleave", (event) => { if (event.pointerType !== "touch") show(null); });
  canvas.addEventListener("click", (event) => {
    const at = under(event);
    if (!at) return;
    // A finger cannot hover: its first touch tells, and the link in what is told opens.
    if (isTouch) show(at, { x: event.clientX, y: event.clientY });
    else open(at);
  });
  host.addEventListener("keydown", (event) => {
    const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    if (event.key === "Escape") return show(null);
    if (event.key === "Enter" && state.at) return open(state.at);
    if (!moves[event.key]) return;
    event.preventDefault();
    const from = state.at || { row: 0, day: days.length };
    const [down, right] = state.at ? moves[event.key] : [0, -1];
    const at = {
      row: Math.max(0, Math.min(state.rows.length - 1, from.row + down)),
      day: Math.max(0, Math.min(days.length - 1, from.day + right)),
    };
    const [pane, side] = [host.getBoundingClientRect(), document.getElementById("names").offsetWidth];
    host.scrollTop = Math.max(Math.min(host.scrollTop, at.row * tall), at.row * tall + tall + 44 - pane.height);
    host.scrollLeft = Math.max(Math.min(host.scrollLeft, at.day * wide), at.day * wide + wide + side + 4 - pane.width);
    const box = canvas.getBoundingClientRect();
    show(at, { x: box.left + at.day * wide, y: box.top + at.row * tall });
    said.textContent = [...told.children].map((part) => part.textContent).join(". ");
  });
  host.addEventListener("blur", () => show(null));
  for (const input of document.querySelectorAll(".tools input")) {
    input.addEventListener("change", () => {
      const chosen = (name) => document.querySelector(`input[name="${name}"]:checked`).value;
      state.by = chosen("by");
      const share = (row) => (row.expected ? (row.observed + (state.by === "quiet" ? row.quiet : 0)) / row.expected : 0);
      const byName = (a, b) => (a.ticker < b.ticker ? -1 : 1);
      state.rows = [...twin.tickers].sort(chosen("order") === "name" ? byName : (a, b) => share(a) - share(b) || a.loaded - b.loaded || byName(a, b));
      drawNames();
      draw();
      show(null);
    });
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);

  drawLegend();
  drawNames();
  const left = host.clientWidth - document.getElementById("names").offsetWidth;
  wide = Math.max(12, Math.min(110, left / days.length));
  drawDays();
  draw();
  host.scrollLeft = host.scrollWidth;
})();
