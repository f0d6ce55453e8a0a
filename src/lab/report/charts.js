"use strict";
// Drawing: elements, scales, axes, the box that follows the pointer. Knows nothing of locks.

const SVG = "http://www.w3.org/2000/svg";

function add(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value);
  }
  for (const child of children.flat()) {
    if (child !== null && child !== undefined) node.append(child);
  }
  return node;
}
const html = (tag, attributes, ...children) => add(document.createElement(tag), attributes, children);
const svg = (tag, attributes, ...children) => add(document.createElementNS(SVG, tag), attributes, children);

// Numbers.

function scaled(value, units) {
  if (!Number.isFinite(value)) return "-";
  if (value === 0) return "0";
  const rounded = Number(value.toPrecision(3));
  const [size, name] = units.find(([size]) => Math.abs(rounded) >= size) || units[units.length - 1];
  const shown = rounded / size;
  const whole = size === 1 && Number.isInteger(shown);
  const digits = whole || shown >= 100 ? 0 : shown >= 10 ? 1 : 2;
  return shown.toFixed(digits) + name;
}
const rateText = value => scaled(value, [[1e9, " G"], [1e6, " M"], [1e3, " k"], [1, ""]]);
const timeText = value => scaled(value, [[1e9, " s"], [1e6, " ms"], [1e3, " us"], [1, " ns"]]);
const tickText = (text, value) => text(value).replace(/\.(\d*?)0+( |$)/, (all, kept, end) => (kept ? "." + kept : "") + end);
const percent = value => (value * 100).toFixed(value < 0.1 ? 1 : 0) + " %";

function median(values) {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  if (!sorted.length) return NaN;
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

// Scales: a function from values to pixels, with its ticks.

function linear(low, high, from, to, count) {
  const scale = value => from + (value - low) / (high - low || 1) * (to - from);
  const rough = (high - low) / (count || 5) || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].find(step => step * power >= rough * 0.999) * power;
  scale.ticks = [];
  for (let tick = Math.ceil(low / step) * step; tick <= high * 1.0001; tick += step) scale.ticks.push(tick);
  return scale;
}

function logarithmic(low, high, from, to) {
  const bottom = Math.floor(Math.log10(low) + 1e-9);
  const top = Math.max(Math.ceil(Math.log10(high) - 1e-9), bottom + 1);
  const scale = value => from + (Math.log10(Math.max(value, 10 ** bottom)) - bottom) / (top - bottom) * (to - from);
  scale.ticks = [];
  for (let power = bottom; power <= top; power++) scale.ticks.push(10 ** power);
  return scale;
}

function steps(names, from, to) {
  const gap = (to - from) / names.length;
  const scale = name => from + (names.indexOf(name) + 0.5) * gap;
  scale.ticks = names;
  scale.gap = gap;
  return scale;
}

// The box that follows the pointer.

const tip = {
  show(event, title, rows) {
    const box = document.getElementById("tip");
    box.replaceChildren(html("b", {}, title), ...rows.map(([name, value]) => html("div", {}, html("span", {}, name), html("span", {}, value))));
    box.hidden = false;
    const { clientX: x, clientY: y } = event;
    const left = x + 16 + box.offsetWidth > innerWidth ? x - 16 - box.offsetWidth : x + 16;
    const top = Math.min(y + 12, innerHeight - box.offsetHeight - 8);
    box.style.left = Math.max(4, left) + "px";
    box.style.top = Math.max(4, top) + "px";
  },
  hide() { document.getElementById("tip").hidden = true; },
};
const hover = (title, rows) => ({
  onpointermove: event => tip.show(event, title, rows),
  onpointerdown: event => tip.show(event, title, rows),
  onpointerleave: tip.hide,
});

// Frames: an SVG as wide as its host, with axes.

function frame(host, height, margin, label) {
  const width = Math.max(host.clientWidth || 0, 240);
  const root = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
  host.append(root);
  const box = { left: margin.left, right: width - (margin.right || 10), top: margin.top || 8, bottom: height - (margin.bottom || 40) };
  return { root, width, height, ...box };
}

function axisX(area, scale, text, label) {
  // The last name is always shown, the others where there is room.
  const half = tick => String(text(tick)).length * 3.4 + 4;
  const end = scale.ticks[scale.ticks.length - 1];
  let free = -Infinity;
  for (const tick of scale.ticks) {
    const x = scale(tick);
    area.root.append(svg("line", { x1: x, x2: x, y1: area.top, y2: area.bottom, class: "grid" }));
    const crowds = x - half(tick) < free || (tick !== end && x + half(tick) > scale(end) - half(end));
    if (crowds && tick !== end) continue;
    free = x + half(tick);
    area.root.append(svg("text", { x, y: area.bottom + 16, "text-anchor": "middle" }, text(tick)));
  }
  area.root.append(svg("line", { x1: area.left, x2: area.right, y1: area.bottom, y2: area.bottom, class: "axis" }));
  area.root.append(svg("text", { x: (area.left + area.right) / 2, y: area.bottom + 34, "text-anchor": "middle" }, label));
}

function axisY(area, scale, text, label) {
  for (const tick of scale.ticks) {
    const y = scale(tick);
    area.root.append(svg("line", { x1: area.left, x2: area.right, y1: y, y2: y, class: "grid" }));
    area.root.append(svg("text", { x: area.left - 6, y: y + 4, "text-anchor": "end" }, tickText(text, tick)));
  }
  const middle = (area.top + area.bottom) / 2;
  area.root.append(svg("text", { x: 12, y: middle, "text-anchor": "middle", transform: `rotate(-90 12 ${middle})` }, label));
}

const path = points => points.map(([x, y], index) => `${index ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");

// A mark for one of eight shapes; rivals are hollow.
function mark(x, y, look, size) {
  const r = size || 4;
  const shapes = [
    () => svg("circle", { cx: x, cy: y, r }),
    () => svg("rect", { x: x - r, y: y - r, width: 2 * r, height: 2 * r }),
    () => svg("path", { d: `M${x} ${y - r * 1.3}L${x + r * 1.2} ${y + r}L${x - r * 1.2} ${y + r}Z` }),
    () => svg("path", { d: `M${x} ${y - r * 1.4}L${x + r * 1.4} ${y}L${x} ${y + r * 1.4}L${x - r * 1.4} ${y}Z` }),
  ];
  const shape = shapes[look.shape % shapes.length]();
  return add(shape, { fill: look.own ? look.color : "var(--card)", stroke: look.color, "stroke-width": 2 }, []);
}

function swatch(look) {
  const line = svg("line", { x1: 0, x2: 22, y1: 7, y2: 7, stroke: look.color, "stroke-width": 2, "stroke-dasharray": look.own ? null : "4 3" });
  return svg("svg", { width: 22, height: 14, "aria-hidden": "true" }, line, mark(11, 7, look, 3.5));
}

// Curves with bands. A series: name, look, points of {x, y, low, high}; x and y are in the domain
// of their scales.
function curves(area, series, x, y) {
  for (const { look, points } of series) {
    const banded = points.filter(point => point.low !== undefined);
    if (banded.length > 1) {
      const outline = [...banded.map(p => [x(p.x), y(p.high)]), ...banded.slice().reverse().map(p => [x(p.x), y(p.low)])];
      area.root.append(svg("path", { d: path(outline) + "Z", fill: look.color, opacity: 0.13 }));
    }
  }
  for (const { look, points } of series) {
    area.root.append(svg("path", {
      d: path(points.map(point => [x(point.x), y(point.y)])), fill: "none", stroke: look.color,
      "stroke-width": 2, "stroke-linejoin": "round", "stroke-dasharray": look.own ? null : "5 4",
    }));
  }
}

// Where the pointer is, the values of all series at the nearest of these x.
function follow(area, xs, x, show) {
  const line = svg("line", { y1: area.top, y2: area.bottom, stroke: "var(--soft)", "stroke-dasharray": "2 3", visibility: "hidden" });
  const move = event => {
    const at = event.clientX - area.root.getBoundingClientRect().left;
    const nearest = xs.reduce((best, value) => Math.abs(x(value) - at) < Math.abs(x(best) - at) ? value : best);
    add(line, { x1: x(nearest), x2: x(nearest), visibility: "visible" }, []);
    show(event, nearest);
  };
  const leave = () => { line.setAttribute("visibility", "hidden"); tip.hide(); };
  area.root.append(line, svg("rect", {
    x: area.left, y: area.top, width: area.right - area.left, height: area.bottom - area.top,
    fill: "transparent", onpointermove: move, onpointerdown: move, onpointerleave: leave,
  }));
}
