// One ticker's session as the stream writes it, the others' newest bars, and all alerts.
"use strict";
(() => {
  const byId = (name) => document.getElementById(name);
  const SILENCE = 3500; // milliseconds without a word from the server, which has one each second
  const WINDOW = 60000; // of the lags that the percentiles are about, in milliseconds
  const RECENT = 90, LISTED = 200;
  const NOTHING = "–";

  const element = (kind, text, style) => {
    const made = document.createElement(kind);
    if (text !== undefined) made.textContent = text;
    if (style) made.className = style;
    return made;
  };
  const bar = ([minute, open, high, low, close, volume, vwap, total, revision]) => ({ minute, open, high, low, close, volume, vwap, total, revision });
  const alarm = ([id, minute, ticker, rule, direction, message]) => ({ id, minute, ticker, rule, direction, message });
  const words = (name) => String(name).replaceAll("_", " ");
  const price = (value) => (value === null || value === undefined ? NOTHING : value.toFixed(Math.abs(value) < 1 ? 4 : 2));
  const count = (value) => value.toLocaleString("en-US");
  const seconds = (ms) => (ms === undefined ? NOTHING : `${(ms / 1000).toFixed(ms < 9950 ? 2 : 0)} s`);
  const distance = (found) => (found && found.vwap && found.close !== null ? 100 * (found.close / found.vwap - 1) : null);
  const signed = (share) => (share === null ? NOTHING : `${share < 0 ? "−" : "+"}${Math.abs(share).toFixed(2)} %`);
  const side = (share) => (share === null ? "" : share < 0 ? "down" : "up");
  const colours = () => {
    const look = getComputedStyle(document.documentElement);
    return new Proxy({}, { get: (_, name) => look.getPropertyValue(`--${name}`).trim() });
  };
  const named = () => {
    try { return decodeURIComponent(location.hash.slice(1)); } catch { return ""; } // no ticker is spelled like that
  };
  const put = (node, text) => { if (node.textContent !== text) node.textContent = text; };

  const known = { hours: null, clock: 0, bars: new Map(), tickers: new Map(), alerts: new Map(), pulse: null };
  const lines = new Map(); // of the tickers' table
  const counts = new Map(); // alerts by ticker
  let picked = named();
  let lags = [], fresh = [], late = new Set(), redraw = true, isOneAlone = false, isWhole = false;
  let source = null, heard = performance.now(), drawing = false, hovered = null;

  // The chart takes every time for UTC: it is given New York's, so that it shows New York's.
  const local = (minute) => minute + (known.hours ? known.hours.offset : 0);
  const clock = (minute) => new Date(1000 * local(minute)).toISOString().slice(11, 16);

  const chart = LightweightCharts.createChart(byId("chart"), {
    autoSize: true,
    // Its logo brings a style that the page's policy forbids; the footer names the maker.
    layout: { attributionLogo: false, fontFamily: getComputedStyle(document.body).fontFamily },
    timeScale: { timeVisible: true, secondsVisible: false, borderVisible: false, rightOffset: 3 },
    rightPriceScale: { borderVisible: false, scaleMargins: { top: 0.08, bottom: 0.26 } },
    localization: { locale: "en-US" },
    crosshair: { mode: LightweightCharts.CrosshairMode.Normal },
    handleScroll: { vertTouchDrag: false },
  });
  const candles = chart.addSeries(LightweightCharts.CandlestickSeries, { priceLineVisible: false });
  const vwap = chart.addSeries(LightweightCharts.LineSeries, { lineWidth: 2, priceLineVisible: false, lastValueVisible: false, crosshairMarkerVisible: false });
  const volume = chart.addSeries(LightweightCharts.HistogramSeries, { priceFormat: { type: "volume" }, priceScaleId: "", priceLineVisible: false, lastValueVisible: false });
  volume.priceScale().applyOptions({ scaleMargins: { top: 0.82, bottom: 0 } });
  const marks = LightweightCharts.createSeriesMarkers(candles, []);

  function dress() {
    const c = colours();
    chart.applyOptions({
      layout: { background: { type: "solid", color: c.card }, textColor: c.soft },
      grid: { vertLines: { color: c.line }, horzLines: { color: c.line } },
    });
    candles.applyOptions({ upColor: c.rose, downColor: c.fell, wickUpColor: c.rose, wickDownColor: c.fell, borderVisible: false });
    vwap.applyOptions({ color: c.vwap });
    redraw = true;
    soon();
  }

  const candle = (b) => (b.open === null ? { time: local(b.minute) } : { time: local(b.minute), open: b.open, high: b.high, low: b.low, close: b.close });
  const point = (b) => (b.vwap === null ? { time: local(b.minute) } : { time: local(b.minute), value: b.vwap });
  const column = (b, c) => ({ time: local(b.minute), value: b.volume, color: (b.close >= b.open ? c.rose : c.fell) + "88" });

  function drawWhole() {
    const c = colours();
    const bars = [...known.bars.values()].sort((a, b) => a.minute - b.minute);
    const filled = [];
    bars.forEach((b, at) => {
      // A minute without a bar keeps its place on the axis.
      for (let m = at ? bars[at - 1].minute + 60 : b.minute; m < b.minute; m += 60) filled.push({ time: local(m) });
      filled.push(column(b, c));
    });
    volume.setData(filled);
    candles.setData(bars.map(candle));
    vwap.setData(bars.map(point));
    drawMarks();
    span();
  }

  function drawNew(minutes) {
    const c = colours();
    minutes.sort((a, b) => a - b).forEach((minute) => {
      const b = known.bars.get(minute);
      volume.update(column(b, c));
      candles.update(candle(b));
      vwap.update(point(b));
    });
    if (isWhole) chart.timeScale().fitContent();
  }

  function drawMarks() {
    const colour = colours().corrected;
    const mine = [...known.alerts.values()].filter((a) => a.ticker === picked).sort((a, b) => a.minute - b.minute);
    marks.setMarkers(mine.map((a) => {
      const isDown = /^(down|below|under)/.test(a.direction || ""), isUp = /^(up|above|over)/.test(a.direction || "");
      return { time: local(a.minute), position: isUp ? "belowBar" : "aboveBar", shape: isUp ? "arrowUp" : isDown ? "arrowDown" : "circle", color: colour, size: 1 };
    }));
  }

  function span() {
    if (isWhole) { chart.timeScale().fitContent(); return; }
    const minutes = [...known.bars.keys()];
    const shown = minutes.length ? Math.round((Math.max(...minutes) - Math.min(...minutes)) / 60) + 1 : 0;
    chart.timeScale().setVisibleLogicalRange({ from: shown - RECENT, to: shown + 2 });
  }

  function drawChart() {
    if (redraw) { drawWhole(); redraw = false; late.clear(); return; }
    if (!late.size) return;
    drawNew([...late]);
    late.clear();
  }

  function figures() {
    const found = known.tickers.get(picked);
    const share = distance(found);
    put(byId("name"), picked || NOTHING);
    put(byId("clock"), known.clock ? clock(known.clock) : NOTHING);
    put(byId("last"), found ? price(found.close) : NOTHING);
    put(byId("vwap"), found ? price(found.vwap) : NOTHING);
    put(byId("distance"), signed(share));
    byId("distance").className = side(share);
    put(byId("volume"), found ? count(found.total) : NOTHING);
    const hours = known.hours;
    const length = hours && hours.opens ? Math.round((hours.closes - hours.opens) / 60) : null;
    const minute = length && known.clock ? `, minute ${Math.round((known.clock - hours.opens) / 60) + 1} of ${length}` : "";
    put(byId("session"), hours ? `Live VWAP, session of ${hours.date}${minute}` : "Live VWAP");
    document.title = found ? `${picked} ${price(found.close)} · barlake` : "Live · barlake";
  }

  function line(ticker) {
    const row = element("tr");
    const pick = element("button", ticker, "plain");
    pick.type = "button";
    pick.addEventListener("click", () => go(ticker));
    const cells = ["name", "n", "n", "n"].map((style) => element("td", undefined, style));
    cells[0].append(pick);
    row.append(...cells);
    const made = { row, cells, option: element("option", ticker) };
    made.option.value = ticker;
    lines.set(ticker, made);
    return made;
  }

  function watch(changed) {
    const isNew = changed.some((ticker) => !lines.has(ticker));
    changed.forEach((ticker) => {
      const { cells } = lines.get(ticker) || line(ticker);
      const found = known.tickers.get(ticker), share = distance(found);
      put(cells[1], found ? price(found.close) : NOTHING);
      put(cells[2], signed(share));
      cells[2].className = `n ${side(share)}`;
      put(cells[3], counts.has(ticker) ? count(counts.get(ticker)) : "");
    });
    if (!isNew) return;
    const order = [...lines.keys()].sort();
    byId("watch").replaceChildren(...order.map((ticker) => lines.get(ticker).row));
    byId("ticker").replaceChildren(...order.map((ticker) => lines.get(ticker).option));
    sift();
    choose();
  }

  function sift() {
    const wanted = byId("filter").value.trim().toUpperCase();
    lines.forEach(({ row }, ticker) => { row.hidden = !ticker.toUpperCase().startsWith(wanted); });
  }

  function choose() {
    byId("ticker").value = picked;
    const order = [...lines.keys()].sort(), at = order.indexOf(picked);
    byId("before").disabled = at <= 0;
    byId("after").disabled = at < 0 || at === order.length - 1;
    lines.forEach(({ row }, ticker) => {
      if (ticker === picked) row.setAttribute("aria-current", "true"); else row.removeAttribute("aria-current");
    });
    put(byId("one"), picked ? `${picked} alone` : "This one");
  }

  function alerts() {
    const mine = [...known.alerts.values()].filter((a) => !isOneAlone || a.ticker === picked);
    mine.sort((a, b) => b.minute - a.minute || (a.id < b.id ? -1 : 1));
    byId("alerts").replaceChildren(...mine.slice(0, LISTED).map((a) => {
      const row = element("tr"), whose = element("td", undefined, "name");
      const pick = element("button", a.ticker, "plain");
      pick.type = "button";
      pick.addEventListener("click", () => go(a.ticker));
      whose.append(pick);
      row.append(element("td", clock(a.minute)), whose, element("td", words(a.rule)), element("td", a.message));
      return row;
    }));
    byId("told").hidden = !mine.length;
    byId("none").hidden = Boolean(mine.length);
    byId("more").hidden = mine.length <= LISTED;
    put(byId("more"), `and ${count(Math.max(0, mine.length - LISTED))} earlier`);
  }

  function readout() {
    const b = known.bars.get(hovered) || (known.bars.size ? known.bars.get(Math.max(...known.bars.keys())) : null);
    if (!b) { put(byId("readout"), " "); return; }
    const told = [clock(b.minute), `O ${price(b.open)}`, `H ${price(b.high)}`, `L ${price(b.low)}`, `C ${price(b.close)}`, `V ${count(b.volume)}`, `VWAP ${price(b.vwap)}`];
    if (b.revision) told.push(`revision ${b.revision}`);
    known.alerts.forEach((a) => { if (a.ticker === picked && a.minute === b.minute) told.push(words(a.rule)); });
    put(byId("readout"), told.join("   "));
  }

  function measure() {
    const now = Date.now();
    if (fresh.length) lags.push(...fresh.map((ms) => [now, Math.max(0, now - ms)]));
    fresh = [];
    lags = lags.filter(([at]) => now - at < WINDOW).slice(-20000);
    const sorted = lags.map(([, lag]) => lag).sort((a, b) => a - b);
    const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
    put(byId("p50"), seconds(at(0.5)));
    put(byId("p99"), seconds(at(0.99)));
  }

  function state() {
    const isLost = performance.now() - heard > SILENCE || !source || source.readyState !== EventSource.OPEN;
    const told = known.pulse;
    const found = isLost || !told ? "lost" : told.fault ? "broken" : told.state;
    const said = {
      lost: told ? "connection lost, trying again" : "connecting", broken: "lake not readable", live: "live", waiting: "waiting for the first bar",
      closed: "session over", stale: told ? `stale: nothing for ${Math.round(told.age)} s` : "",
    };
    byId("pulse").dataset.state = found;
    put(byId("state"), said[found]);
    byId("fault").hidden = !(told && told.fault);
    put(byId("fault"), told && told.fault ? `The lake cannot be read; this page goes on as soon as it can. ${told.fault}` : "");
  }

  let touched = new Set(), isAlarmed = true;
  function soon() {
    if (drawing) return;
    drawing = true;
    requestAnimationFrame(() => {
      drawing = false;
      watch([...touched]);
      touched.clear();
      drawChart();
      if (isAlarmed) { alerts(); drawMarks(); isAlarmed = false; }
      figures();
      readout();
      measure();
      state();
    });
  }

  function forget(hours) {
    known.bars.clear(); known.tickers.clear(); known.alerts.clear(); counts.clear();
    if (!hours || !known.hours || hours.date !== known.hours.date) lines.clear();
    lines.forEach((_, ticker) => touched.add(ticker));
    known.hours = hours;
    redraw = isAlarmed = true;
  }

  function takeBars(bars) {
    let newest = Math.max(-Infinity, ...known.bars.keys());
    bars.map(bar).forEach((b) => {
      // What comes between others, or leaves minutes out, is drawn with all of them.
      if (b.minute < newest || (b.minute > newest + 60 && known.bars.size)) redraw = true;
      newest = Math.max(newest, b.minute);
      known.bars.set(b.minute, b);
      late.add(b.minute);
    });
    if (bars.length === known.bars.size) redraw = true;
  }

  function news(event) {
    const told = JSON.parse(event.data);
    if (!picked && told.ticker) picked = told.ticker;
    if (told.reset) forget(told.hours);
    known.clock = told.clock;
    known.pulse = told.pulse;
    if (told.ticker === picked) takeBars(told.bars);
    Object.entries(told.tickers).forEach(([ticker, found]) => { known.tickers.set(ticker, bar(found)); touched.add(ticker); });
    told.alerts.map(alarm).forEach((a) => {
      if (!known.alerts.has(a.id)) counts.set(a.ticker, (counts.get(a.ticker) || 0) + 1);
      known.alerts.set(a.id, a);
      touched.add(a.ticker);
      isAlarmed = true;
    });
    fresh.push(...told.events);
    if (redraw) choose();
    heard = performance.now();
    soon();
  }

  function listen() {
    if (source) source.close();
    source = new EventSource(`events?ticker=${encodeURIComponent(picked)}`);
    const mine = source;
    source.addEventListener("news", news);
    source.addEventListener("pulse", (event) => { known.pulse = JSON.parse(event.data); heard = performance.now(); state(); });
    // A browser comes back by itself, but not from a server that refused it.
    source.onerror = () => { state(); if (mine.readyState === EventSource.CLOSED) setTimeout(() => { if (mine === source) listen(); }, 2000); };
  }

  function go(ticker) {
    if (!ticker || ticker === picked) return;
    location.hash = encodeURIComponent(ticker);
  }
  function turn() {
    const wanted = named();
    if (!wanted || wanted === picked) return;
    picked = wanted;
    hovered = null;
    known.bars.clear();
    redraw = isAlarmed = true;
    choose();
    soon();
    listen();
  }
  const beside = (by) => { const order = [...lines.keys()].sort(); go(order[order.indexOf(picked) + by]); };
  const press = (on, off) => { byId(on).setAttribute("aria-pressed", "true"); byId(off).setAttribute("aria-pressed", "false"); };

  byId("ticker").addEventListener("change", (event) => go(event.target.value));
  byId("before").addEventListener("click", () => beside(-1));
  byId("after").addEventListener("click", () => beside(1));
  byId("filter").addEventListener("input", sift);
  byId("filter").addEventListener("keydown", (event) => {
    const first = [...lines.keys()].sort().find((ticker) => !lines.get(ticker).row.hidden);
    if (event.key === "Enter") go(first);
  });
  byId("recent").addEventListener("click", () => { isWhole = false; press("recent", "day"); span(); });
  byId("day").addEventListener("click", () => { isWhole = true; press("day", "recent"); span(); });
  byId("all").addEventListener("click", () => { isOneAlone = false; press("all", "one"); alerts(); });
  byId("one").addEventListener("click", () => { isOneAlone = true; press("one", "all"); alerts(); });
  document.addEventListener("keydown", (event) => {
    if (event.target.closest("select, input, .scroll") || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "ArrowLeft") beside(-1);
    if (event.key === "ArrowRight") beside(1);
  });
  window.addEventListener("hashchange", turn);
  chart.subscribeCrosshairMove((moved) => {
    hovered = moved.time === undefined ? null : moved.time - (known.hours ? known.hours.offset : 0);
    readout();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", dress);
  setInterval(() => { state(); measure(); }, 500);

  dress();
  listen();
})();
