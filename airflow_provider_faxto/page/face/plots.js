// Plots drawn by hand, as SVG: nothing is loaded from elsewhere, and colours follow the page.

import { h, s, ORDER, OUTCOMES, SHORT, lasting, many } from "./parts.js";

const HEIGHT = 170;
const LEFT = 44;
const BOTTOM = 20;
const TOP = 8;

function card(title, legend, drawing, summary) {
  return h("div", { class: "card" }, h("header", {}, h("h2", {}, title), summary && h("span", { class: "soft" }, summary)), legend, drawing);
}

function key(entries) {
  return h("div", { class: "legend" }, entries.map(([className, words]) => h("span", {}, h("i", { class: className }), words)));
}

function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return [1, 1.2, 1.6, 2, 3, 4, 5, 6, 8, 10].map((step) => step * power).find((step) => step >= value) ?? value;
}

// All days or hours from the first to the last, also those without a fax.
export function fillGaps(times, by) {
  if (!times.length) return [];
  const step = by === "day" ? 86400e3 : 3600e3;
  const length = by === "day" ? 10 : 13;
  const start = (text) => Date.parse(by === "day" ? `${text}T00:00Z` : `${text}:00Z`);
  const [first, last] = [start(times[0]), start(times[times.length - 1])];
  if (!Number.isFinite(first) || !Number.isFinite(last) || (last - first) / step > 400) return times;
  const filled = [];
  for (let at = first; at <= last; at += step) filled.push(new Date(at).toISOString().slice(0, length));
  return filled;
}

function frame(width, times, by, top, label) {
  const plot = s("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, height: HEIGHT, role: "img", "aria-label": label.aria });
  const y = (value) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / top);
  for (const share of [0, 0.5, 1]) {
    const at = y(top * share);
    plot.append(s("line", { class: "grid", x1: LEFT, x2: width, y1: at, y2: at }));
    if (share || !label.hidesZero)
      plot.append(s("text", { x: LEFT - 6, y: at + 4, "text-anchor": "end" }, label.axis(top * share)));
  }
  const slot = (width - LEFT) / Math.max(times.length, 1);
  const x = (index) => LEFT + slot * index;
  const every = Math.max(1, Math.ceil(46 / slot));
  times.forEach((time, index) => {
    if (index % every === 0)
      plot.append(s("text", { x: x(index) + slot / 2, y: HEIGHT - 5, "text-anchor": "middle" }, by === "day" ? time.slice(5) : `${time.slice(11)}:00`));
  });
  return { plot, x, y, slot };
}

export function outcomes(found, width) {
  const at = new Map(found.outcomes.map((row) => [row.at, row]));
  const times = fillGaps([...at.keys()], found.by);
  const sum = (row) => ORDER.reduce((total, name) => total + (row?.[name] ?? 0), 0);
  const totals = Object.fromEntries(ORDER.map((name) => [name, found.outcomes.reduce((total, row) => total + (row[name] ?? 0), 0)]));
  const all = sum(totals);
  const top = roundUp(Math.max(1, ...times.map((time) => sum(at.get(time)))));
  const aria = `Outcomes by ${found.by}: ${ORDER.filter((name) => totals[name]).map((name) => `${OUTCOMES[name].words} ${totals[name]}`).join(", ")}.`;
  const { plot, x, y, slot } = frame(width, times, found.by, top, { aria, axis: (value) => (Number.isInteger(value) ? many(value) : "") });
  const thick = Math.min(slot * 0.78, 46);
  times.forEach((time, index) => {
    const row = at.get(time) ?? {};
    let below = 0;
    for (const name of ORDER) {
      const count = row[name] ?? 0;
      if (!count) continue;
      const bar = s("rect", { class: `fill-${name}`, x: x(index) + (slot - thick) / 2, width: thick, y: y(below + count), height: Math.max(y(below) - y(below + count), 0.5) });
      bar.append(s("title", {}, `${time} UTC: ${OUTCOMES[name].words} ${many(count)}`));
      plot.append(bar);
      below += count;
    }
  });
  const delivered = all ? `${((100 * totals.success) / all).toFixed(1)} % delivered` : "";
  const legend = key(ORDER.filter((name) => totals[name]).map((name) => [`fill-${name}`, `${SHORT[name]} ${many(totals[name])}`]));
  return card("Outcomes", legend, plot, delivered);
}

export function causes(found, choose) {
  const rows = found.causes.slice(0, 8);
  const most = Math.max(1, ...rows.map((row) => row.faxes));
  const bars = h("div", { class: "bars" }, rows.map((row) => [
    h("button", { type: "button", class: "plain", title: `${row.words}: show these faxes (${row.cause})`, click: () => choose(row) }, row.words),
    s("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" },
      s("rect", { class: `fill-${row.outcome}`, width: (100 * row.faxes) / most, height: 10, rx: 1 })),
    h("span", { class: "end" }, many(row.faxes)),
  ]));
  return card("Causes", null, rows.length ? bars : h("p", { class: "soft" }, "No fax has failed."));
}

export function delivery(found, width) {
  const at = new Map(found.delivery.map((row) => [row.at, row]));
  const times = fillGaps([...at.keys()], found.by);
  if (!times.length) return card("Delivery time", null, h("p", { class: "soft" }, "No fax was delivered."));
  const slowest = Math.max(...found.delivery.map((row) => row.p95), 1);
  const unit = slowest < 90 ? 1 : slowest < 5400 ? 60 : 3600;
  const top = roundUp(slowest / unit) * unit;
  const last = found.delivery[found.delivery.length - 1];
  const aria = `Delivery time by ${found.by}; the last: median ${lasting(last.median)}, 95th percentile ${lasting(last.p95)}.`;
  const { plot, x, y, slot } = frame(width, times, found.by, top, { aria, hidesZero: true, axis: lasting });
  for (const [name, className] of [["p95", "fill-retryable"], ["median", "fill-accent"]]) {
    const points = times.map((time, index) => [x(index) + slot / 2, at.get(time)]).filter(([, row]) => row);
    plot.append(s("polyline", { class: `line ${className}-line`, points: points.map(([left, row]) => `${left},${y(row[name])}`).join(" ") }));
    for (const [left, row] of points) {
      const dot = s("circle", { class: className, cx: left, cy: y(row[name]), r: 3.5 });
      dot.append(s("title", {}, `${row.at} UTC: ${name === "p95" ? "95 % within" : "median"} ${lasting(row[name])}`));
      plot.append(dot);
    }
  }
  return card("Delivery time", key([["fill-accent", "median"], ["fill-retryable", "95 % within"]]), plot, "until its end was seen");
}

export function cost(found) {
  const names = Object.keys(found.total_cost);
  const at = new Map(found.cost.map((row) => [row.at, row.of]));
  const times = fillGaps([...at.keys()], found.by);
  const rows = names.map((name) => {
    const values = times.map((time) => Number(at.get(time)?.[name] ?? 0));
    const most = Math.max(...values, 0.0001);
    const wide = 100 / Math.max(times.length, 1);
    const line = s("svg", { viewBox: "0 0 100 24", preserveAspectRatio: "none", height: 24, role: "img", "aria-label": `Cost with ${name} by ${found.by}` },
      values.map((value, index) => {
        const bar = s("rect", { class: "fill-accent", x: wide * index + wide * 0.1, width: wide * 0.8, y: 24 - (24 * value) / most, height: (24 * value) / most });
        bar.append(s("title", {}, `${times[index]} UTC: ${value.toFixed(2)}`));
        return bar;
      }));
    return [h("span", { class: "cut", title: name }, name), line, h("span", { class: "end" }, Number(found.total_cost[name]).toLocaleString(undefined, { minimumFractionDigits: 2, maximumFractionDigits: 2 }))];
  });
  const drawing = names.length ? h("div", { class: "bars tall" }, rows) : h("p", { class: "soft" }, "The vendors have told no price.");
  return card("Cost", null, drawing, names.length ? "in each account's currency" : "");
}
