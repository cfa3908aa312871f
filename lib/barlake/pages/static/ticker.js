// One session at a time: candles, VWAP, volume; filled and corrected minutes are marked.
"use strict";
(() => {
  const twin = JSON.parse(document.getElementById("twin").textContent);
  const byId = (name) => document.getElementById(name);
  const sessions = twin.sessions;
  const OPEN = 9 * 60 + 30;

  const element = (kind, text, style) => {
    const made = document.createElement(kind);
    if (text !== undefined) made.textContent = text;
    if (style) made.className = style;
    return made;
  };
  const words = (name) => name.replaceAll("_", " ");
  const price = (value) => (value === null || value === undefined ? "–" : value.toFixed(Math.abs(value) < 1 ? 4 : 2));
  const count = (value) => value.toLocaleString("en-US");
  const clock = (minute) => {
    const at = OPEN + minute;
    return `${String(Math.floor(at / 60)).padStart(2, "0")}:${String(at % 60).padStart(2, "0")}`;
  };
  // The chart takes every time for UTC: it is given New York's, so that it shows New York's.
  const instant = (session, minute) => Date.parse(`${session.session_date}T00:00Z`) / 1000 + 60 * (OPEN + minute);
  const colours = () => {
    const look = getComputedStyle(document.documentElement);
    return new Proxy({}, { get: (_, name) => look.getPropertyValue(`--${name}`).trim() });
  };

  const chart = LightweightCharts.createChart(byId("chart"), {
    autoSize: true,
    layout: { attributionLogo: true, fontFamily: getComputedStyle(document.body).fontFamily },
    timeScale: { timeVisible: true, secondsVisible: false, borderVisible: false, rightOffset: 2 },
    rightPriceScale: { borderVisible: false, scaleMargins: { top: 0.08, bottom: 0.26 } },
    localization: { locale: "en-US" },
    crosshair: { mode: LightweightCharts.CrosshairMode.Normal },
    handleScroll: { vertTouchDrag: false },
  });
  // Behind the candles: a band over each filled minute, so that a halt is seen as one.
  const bands = chart.addSeries(LightweightCharts.HistogramSeries, { priceScaleId: "bands", priceLineVisible: false, lastValueVisible: false, base: 0 });
  bands.priceScale().applyOptions({ scaleMargins: { top: 0, bottom: 0 } });
  const candles = chart.addSeries(LightweightCharts.CandlestickSeries, { priceLineVisible: false, lastValueVisible: false });
  const vwap = chart.addSeries(LightweightCharts.LineSeries, { lineWidth: 2, priceLineVisible: false, lastValueVisible: false, crosshairMarkerVisible: false });
  const volume = chart.addSeries(LightweightCharts.HistogramSeries, { priceFormat: { type: "volume" }, priceScaleId: "", priceLineVisible: false, lastValueVisible: false });
  volume.priceScale().applyOptions({ scaleMargins: { top: 0.82, bottom: 0 } });
  const marks = LightweightCharts.createSeriesMarkers(candles, []);
  let shown = sessions.length - 1;

  function dress() {
    const c = colours();
    chart.applyOptions({
      layout: { background: { type: "solid", color: c.card }, textColor: c.soft },
      grid: { vertLines: { color: c.line }, horzLines: { color: c.line } },
    });
    candles.applyOptions({ upColor: c.rose, downColor: c.fell, wickUpColor: c.rose, wickDownColor: c.fell, borderVisible: false });
    vwap.applyOptions({ color: c.vwap });
  }

  function drawBars(session) {
    const c = colours();
    const bars = session.bars;
    const filled = new Set(bars.filled);
    const minutes = bars.close.map((_, at) => bars.first + at);
    const times = minutes.map((minute) => instant(session, minute));
    candles.setData(minutes.map((minute, at) => {
      const bar = { time: times[at], open: bars.open[at], high: bars.high[at], low: bars.low[at], close: bars.close[at] };
      return filled.has(minute) ? { ...bar, color: c.filled, wickColor: c.filled } : bar;
    }));
    bands.setData(times.map((time, at) => (filled.has(minutes[at]) ? { time, value: 1, color: `${c.filled}55` } : { time })));
    vwap.setData(times.map((time, at) => (bars.vwap[at] === null ? { time } : { time, value: bars.vwap[at] })));
    volume.setData(times.map((time, at) => ({
      time, value: bars.volume[at], color: (bars.close[at] >= bars.open[at] ? c.rose : c.fell) + "88",
    })));
    marks.setMarkers(bars.revised.map((found) => ({
      time: instant(session, found.minute), position: "aboveBar", shape: "circle", color: c.corrected, size: 1,
    })));
    chart.timeScale().fitContent();
  }

  function figures(session) {
    const day = session.day;
    byId("figures").hidden = !day;
    if (!day) return;
    const told = [["open", price(day.open)], ["high", price(day.high)], ["low", price(day.low)], ["close", price(day.close)], ["VWAP", price(day.vwap)], ["volume", count(day.volume)]];
    byId("figures").replaceChildren(...told.map(([label, value]) => {
      const box = element("div", undefined, "figure");
      box.append(element("dt", label), element("dd", value));
      return box;
    }));
  }

  function tags(session) {
    const told = [[`${session.observed} of ${session.expected} minutes observed`, session.observed === session.expected ? "good" : "dull"]];
    if (session.is_early_close) told.push(["early close", "dull"]);
    if (!session.is_settled) told.push(["unsettled", "warn"]);
    if (session.filled) told.push([`${session.filled} filled`, "dull"]);
    if (session.quarantined) told.push([`${session.quarantined} rows refused`, "bad"]);
    byId("tags").replaceChildren(...told.map(([text, kind]) => element("span", text, `verdict ${kind}`)));
  }

  function table(heads, rows, none) {
    if (!rows.length) return element("p", none, "empty");
    const [made, head, body] = ["table", "thead", "tbody"].map((kind) => element(kind));
    const top = element("tr");
    heads.forEach((text) => top.append(element("th", text)));
    head.append(top);
    rows.forEach((cells) => {
      const line = element("tr");
      cells.forEach((text) => line.append(element("td", text)));
      body.append(line);
    });
    made.append(head, body);
    const box = element("div", undefined, "scroll");
    box.append(made);
    return box;
  }

  function lists(session) {
    const gaps = [...session.gaps].sort((a, b) => b.minutes - a.minutes || a.minute - b.minute);
    const rows = gaps.slice(0, 12).map((gap) => [clock(gap.minute), clock(gap.minute + gap.minutes - 1), `${gap.minutes} min`, words(gap.reason)]);
    const box = table(["First", "Last", "Length", "Why"], rows, "Every minute was observed.");
    byId("gaps").replaceChildren(box);
    if (gaps.length > 12) byId("gaps").append(element("p", `and ${gaps.length - 12} more`, "note more"));
    const revised = session.bars ? session.bars.revised : [];
    const told = revised.map((found) => [clock(found.minute), `revision ${found.revision}`, `${found.changed_at} UTC`]);
    byId("revised").replaceChildren(table(["Minute", "Now at", "Known since"], told, session.bars || !session.revisions ? "No bar was corrected." : "Which bars were corrected is told for the latest sessions alone."));
  }

  function readout(session, minute) {
    const bars = session && session.bars;
    const at = bars && minute !== null ? minute - bars.first : -1;
    if (!bars || at < 0 || at >= bars.close.length) { byId("readout").textContent = " "; return; }
    const parts = [clock(minute), `O ${price(bars.open[at])}`, `H ${price(bars.high[at])}`, `L ${price(bars.low[at])}`, `C ${price(bars.close[at])}`, `V ${count(bars.volume[at])}`, `VWAP ${price(bars.vwap[at])}`];
    if (bars.filled.includes(minute)) parts.push("filled");
    const revised = bars.revised.find((found) => found.minute === minute);
    if (revised) parts.push(`revision ${revised.revision}`);
    byId("readout").textContent = parts.join("   ");
  }

  function show(at) {
    shown = at;
    const session = sessions[at];
    byId("day").value = String(at);
    byId("before").disabled = at === 0;
    byId("after").disabled = at === sessions.length - 1;
    figures(session);
    tags(session);
    lists(session);
    readout(session, session.bars ? session.bars.first + session.bars.close.length - 1 : null);
    byId("chart").hidden = byId("legend").hidden = byId("readout").hidden = !session.bars;
    byId("undrawn").hidden = Boolean(session.bars);
    if (session.bars) return drawBars(session);
    const first = sessions.find((other) => other.bars);
    byId("undrawn").textContent = session.observed && first && session.session_date < first.session_date
      ? "Minutes are drawn for the latest sessions alone; barlake sql shows these, in silver.bars_1m."
      : "No minute of this session was observed: there is nothing to draw.";
  }

  const wanted = () => {
    const found = sessions.findIndex((session) => session.session_date === location.hash.slice(1));
    return found < 0 ? sessions.length - 1 : found;
  };
  const go = (at) => { if (sessions[at]) location.hash = sessions[at].session_date; };

  sessions.forEach((session, at) => {
    const option = element("option", session.session_date + (session.is_early_close ? ", early close" : ""));
    option.value = String(at);
    byId("day").prepend(option);
  });
  byId("day").addEventListener("change", (event) => go(Number(event.target.value)));
  byId("before").addEventListener("click", () => go(shown - 1));
  byId("after").addEventListener("click", () => go(shown + 1));
  window.addEventListener("hashchange", () => { show(wanted()); byId("tools").scrollIntoView({ block: "nearest" }); });
  document.addEventListener("keydown", (event) => {
    if (event.target.closest("select, .scroll") || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "ArrowLeft") go(shown - 1);
    if (event.key === "ArrowRight") go(shown + 1);
  });
  chart.subscribeCrosshairMove((moved) => {
    const session = sessions[shown];
    if (moved.time !== undefined) readout(session, Math.round((moved.time - instant(session, 0)) / 60));
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { dress(); show(shown); });

  dress();
  if (sessions.length) show(wanted());
})();
