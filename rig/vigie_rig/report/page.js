"use strict";
window.vigie = {
  // Times as minutes and seconds, on the axes as in the log.
  clock(seconds, digits) {
    const sign = seconds < 0 ? "-" : "", unit = 10 ** digits;
    const whole = Math.round(Math.abs(seconds) * unit) / unit;
    const rest = (whole % 60).toFixed(digits);
    return sign + Math.floor(whole / 60) + ":" + (rest.split(".")[0].length < 2 ? "0" : "") + rest;
  },
  ticks(from, to) {
    const steps = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 86400];
    const step = steps.find((candidate) => (to - from) / candidate <= 12) || 86400, ticks = [];
    for (let k = Math.ceil(from / step - 1e-9); k * step <= to + 1e-9; k++) ticks.push(k * step);
    return ticks;
  },
  tickLabel(tick, ticks) {
    const step = ticks.length > 1 ? ticks[1] - ticks[0] : 1;
    return vigie.clock(tick, step > 0.99 ? 0 : step > 0.099 ? 1 : 2);
  },
  cursor(seconds) {
    const place = document.getElementById("cursor");
    if (place) place.textContent = seconds === null ? "" : vigie.clock(seconds, 2);
  },
};

(function () {
  // The stretch of a rising array that covers [from, to], with one sample more on each side.
  function lowerBound(array, value) {
    let low = 0, high = array.length;
    while (low < high) { const middle = (low + high) >> 1; if (array[middle] < value) low = middle + 1; else high = middle; }
    return low;
  }

  // Every sample when they fit, else minimum and maximum of each pixel: what sticks out stays visible.
  function detail(columns, names, from, to, pixels) {
    const time = columns.t;
    const first = Math.max(0, lowerBound(time, from) - 1), last = Math.min(time.length, lowerBound(time, to) + 1);
    const out = {};
    if (last - first <= 4 * pixels) {
      for (const name of names) out[name] = columns[name].slice(first, last);
      return out;
    }
    const width = (to - from) / pixels;
    const bin = (index) => Math.min(pixels - 1, Math.max(0, Math.floor((time[index] - from) / width)));
    out.t = new Float32Array(2 * pixels);
    for (let k = 0; k < pixels; k++) { out.t[2 * k] = from + (k + 0.25) * width; out.t[2 * k + 1] = from + (k + 0.75) * width; }
    for (const name of names) {
      if (name === "t") continue;
      const values = columns[name], drawn = new Float32Array(2 * pixels).fill(NaN);
      for (let index = first; index < last; index++) {
        const value = values[index];
        if (value !== value) continue;
        const k = 2 * bin(index);
        if (!(drawn[k] <= value)) drawn[k] = value;
        if (!(drawn[k + 1] >= value)) drawn[k + 1] = value;
      }
      out[name] = drawn;
    }
    return out;
  }

  function reach(data, names, clip) {
    const seen = [];
    for (const name of names) for (const value of data[name]) if (value === value) seen.push(value);
    if (!seen.length) return null;
    seen.sort((a, b) => a - b);
    const skip = Math.floor(clip * seen.length), low = seen[skip], high = seen[seen.length - 1 - skip];
    const room = 0.06 * (high - low) || 1;
    return [low - room, high + room];
  }

  function start() {
    if (!document.querySelector("#traces figure")) return;
    const page = window.Bokeh && Bokeh.documents[0];
    const time = page && page.get_model_by_name("time");
    if (!time) { setTimeout(start, 20); return; }
    const whole = [time.start, time.end];
    const plots = page.roots();
    const lines = plots.flatMap((plot) => plot.renderers.filter((renderer) => renderer.name));

    let scheduled = false, remembered = 0;
    function refresh() {
      scheduled = false;
      const inSight = {};
      for (const plot of plots) {
        const tag = plot.tags.find((entry) => entry && entry.stored);
        if (!tag) continue;
        const columns = {};
        for (const name of tag.stored.columns()) columns[name] = tag.stored.get_column(name);
        const names = Object.keys(columns);
        const data = detail(columns, names, time.start, time.end, Math.max(200, Math.round(plot.inner_width || 1200)));
        tag.shown.data = data;
        inSight[plot.name] = data.t.length;
        const drawn = plot.renderers.filter((line) => line.data_source === tag.shown && line.visible);
        const edges = reach(data, drawn.map((line) => line.glyph.y.field), tag.clip);
        if (!edges) continue;
        if (tag.widest) { edges[0] = Math.max(edges[0], tag.widest[0]); edges[1] = Math.min(edges[1], tag.widest[1]); }
        plot.y_range.setv({ start: edges[0], end: edges[1] });
      }
      for (const line of lines) if (line.name === "beats") line.visible = time.end - time.start < 45;
      document.body.dataset.inSight = JSON.stringify(inSight);
      clearTimeout(remembered);
      remembered = setTimeout(remember, 400);
    }
    // The address holds the view, so that a moment can be sent to somebody.
    function remember() {
      const all = time.start <= whole[0] && time.end >= whole[1];
      const view = all ? location.pathname : "#t=" + time.start.toFixed(2) + "," + time.end.toFixed(2);
      try { history.replaceState(null, "", view); } catch (refused) { /* some viewers do not let a page do this */ }
    }
    function schedule() { if (!scheduled) { scheduled = true; requestAnimationFrame(refresh); } }
    time.change.connect(schedule);
    window.addEventListener("resize", schedule);

    function show(from, to) {
      const width = Math.min(to - from, whole[1] - whole[0]);
      const begin = Math.max(whole[0], Math.min(from, whole[1] - width));
      time.setv({ start: begin, end: begin + width });
    }
    let anchor = 0;
    vigie.choose = (event) => {
      const width = time.end - time.start;
      if (event.event_name === "panstart") anchor = event.x;
      else if (event.event_name === "tap") show(event.x - width / 2, event.x + width / 2);
      else if (Math.abs(event.x - anchor) > 0.2) show(Math.min(anchor, event.x), Math.max(anchor, event.x));
    };
    function fromAddress() {
      const found = /^#t=([\d.]+),([\d.]+)$/.exec(location.hash);
      if (found && +found[2] > +found[1]) show(+found[1], +found[2]);
    }
    window.addEventListener("hashchange", () => {
      fromAddress();
      document.getElementById("traces").scrollIntoView({ behavior: "smooth" });
    });
    document.querySelectorAll("button[data-line]").forEach((button) => button.addEventListener("click", () => {
      const on = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", on);
      for (const line of lines) if (line.name === button.dataset.line) line.visible = on;
      schedule();
    }));

    document.querySelectorAll("button[data-range]").forEach((button) => button.addEventListener("click", () => {
      const range = button.dataset.range;
      if (range === "all") show(whole[0], whole[1]);
      else if (range.includes(",")) show(...range.split(",").map(Number));
      else { const middle = (time.start + time.end) / 2; show(middle - range / 2, middle + range / 2); }
    }));
    document.querySelectorAll("#traces figure").forEach((figure) =>
      figure.addEventListener("dblclick", () => show(whole[0], whole[1])));
    document.addEventListener("keydown", (event) => {
      if (event.target.closest("input, .log") || event.altKey || event.ctrlKey || event.metaKey) return;
      const width = time.end - time.start, step = { ArrowLeft: -0.25, ArrowRight: 0.25 }[event.key];
      if (step) { show(time.start + step * width, time.end + step * width); event.preventDefault(); }
      if (event.key === "+") show(time.start + width / 4, time.end - width / 4);
      if (event.key === "-") show(time.start - width / 2, time.end + width / 2);
    });
    fromAddress();
    schedule();
    document.body.dataset.drawn = true;
  }

  document.addEventListener("DOMContentLoaded", () => {
    start();
    document.querySelectorAll("input[data-level]").forEach((box) => box.addEventListener("change", () =>
      document.querySelectorAll(".log tr").forEach((row) => {
        if (row.dataset.level === box.dataset.level) row.hidden = !box.checked;
      })));
    document.querySelectorAll("[data-copy]").forEach((button) => button.addEventListener("click", () => {
      navigator.clipboard.writeText(button.parentElement.querySelector("code").textContent)
        .then(() => { button.textContent = "copied"; });
    }));
  });
})();
