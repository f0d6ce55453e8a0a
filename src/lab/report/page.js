// The page: what is picked, and one function a chart. Data: `report` as it was written, `views`
// with what only the program knows (verdicts, formatted tables), question by question.

const report = JSON.parse(document.getElementById("report").textContent);
const views = JSON.parse(document.getElementById("views").textContent);
const questions = report.questions.map((question, index) => ({ ...question, view: views[index] }));
const SHOWN_MAX = 9;
// With more points than these only the telling ones have names beside them.
const NAMED_MAX = 10;
const state = { kind: null, question: null, hidden: new Set(), log: false, zoom: 100 };
const byId = id => document.getElementById(id);

// Looks: a subject keeps its colour in all charts of a kind, whatever is hidden.

function looksOf(kind) {
  const looks = new Map();
  const count = { true: 0, false: 0 };
  for (const question of questions.filter(question => question.conditions.kind === kind)) {
    for (const { subject, own } of question.answers) {
      if (looks.has(subject)) continue;
      const index = count[own]++;
      looks.set(subject, { own, color: `var(--c${index % 8})`, shape: Math.floor(index / 8) + (own ? 0 : 1) });
    }
  }
  return looks;
}
let looks = new Map();

// Figures of an answer.

// What verdicts are about: operations a second, for wake-ups the inverse of their median latency.
const rates = answer => state.kind === "wake"
  ? answer.samples.filter(s => s.latency && s.latency.p50_ns).map(s => 1e9 / s.latency.p50_ns)
  : answer.samples.filter(s => s.wall_s > 0).map(s => s.operations / s.wall_s);
const rateLabel = () => state.kind === "wake" ? "wake-ups a second (inverse of the median latency)" : "operations a second";
const rate = answer => median(rates(answer));
const cores = answer => median(answer.samples.filter(s => s.wall_s > 0).map(s => s.cpu_s / s.wall_s));
const shown = question => question.answers.filter(answer => !state.hidden.has(answer.subject) && answer.samples.length);
const baselineOf = question => question.answers.find(answer => answer.subject === question.baseline) || question.answers[0];
const labelOf = ({ conditions: c }) => c.sides ? c.sides.join(" : ") : String(c.threads);
const sideWords = { queue: "producers : consumers", "blocking-rw": "readers : writers" };
const threadsWord = kind => kind === "actors" || kind === "lua" ? "workers" : "threads";

// The questions that differ from one in the number of threads alone.
function siblings(question) {
  const key = ({ name, conditions: c }) => JSON.stringify([
    name.split("/").filter(part => !/^([tw]\d+|\d+[rp]:?\d+[wc])$/.test(part)),
    c.kind, c.section_ns, c.outside_ns, c.reads_permille, c.blocking, c.pinned,
  ]);
  const wanted = key(question);
  const found = questions.filter(other => key(other) === wanted).sort((a, b) => a.conditions.threads - b.conditions.threads);
  return new Set(found.map(labelOf)).size === found.length ? found : [question];
}

function section(id, note, draw) {
  const host = byId(id);
  const plot = host.querySelector(".plot");
  plot.replaceChildren();
  host.hidden = !draw;
  if (!draw) return;
  const line = host.querySelector(".note");
  if (line) line.textContent = note;
  draw(plot);
}

function rateScale(low, high, from, to) {
  return state.log ? logarithmic(Math.max(low, 1e-3), high, from, to) : linear(0, high * 1.05, from, to);
}

// Charts.

function drawBars(question) {
  const answers = shown(question);
  if (!answers.length) return section("bars");
  const base = rate(baselineOf(question));
  const noise = question.noise;
  const note = `Median of the rounds, with the smallest and the largest. Grey: the baseline (${baselineOf(question).subject}) and its noise of ${percent(noise)}.`;
  section("bars", note, plot => {
    const longest = Math.max(...answers.map(answer => answer.subject.length));
    const width = plot.clientWidth || 400;
    const left = Math.min(Math.max(60, longest * 7 + 12), width * 0.42);
    const area = frame(plot, answers.length * 26 + 50, { left, right: 66 }, "Throughput of each subject");
    const all = answers.flatMap(rates);
    const x = rateScale(Math.min(...all), Math.max(...all), area.left, area.right);
    axisX(area, x, value => tickText(rateText, value), rateLabel());
    if (base > 0) {
      const from = Math.max(x(base * (1 - noise)), area.left);
      area.root.append(svg("rect", { x: from, y: area.top, width: Math.max(x(base * (1 + noise)) - from, 1), height: area.bottom - area.top, fill: "var(--shade)" }));
      area.root.append(svg("line", { x1: x(base), x2: x(base), y1: area.top, y2: area.bottom, stroke: "var(--soft)" }));
    }
    answers.forEach((answer, index) => {
      const look = looks.get(answer.subject);
      const y = area.top + 13 + index * 26;
      const values = rates(answer);
      const [low, high, mid] = [Math.min(...values), Math.max(...values), median(values)];
      const rows = [["median", rateText(mid) + "/s"], ["smallest", rateText(low)], ["largest", rateText(high)], ["rounds", values.length], ["to the baseline", question.view.compared[answer.subject]]];
      if (answer.remark) rows.push(["remark", answer.remark]);
      const cut = Math.floor((left - 12) / 7);
      const name = answer.subject.length > cut ? answer.subject.slice(0, cut - 1) + "..." : answer.subject;
      area.root.append(svg("g", hover(answer.subject, rows),
        svg("rect", { x: 0, y: y - 12, width: area.width, height: 24, fill: "transparent" }),
        svg("text", { x: left - 8, y: y + 4, "text-anchor": "end", class: answer.own ? "strong" : "" }, name),
        svg("rect", { x: area.left, y: y - 8, width: Math.max(x(mid) - area.left, 1), height: 16, rx: 2, fill: look.color, opacity: answer.own ? 1 : 0.45 }),
        svg("line", { x1: x(low), x2: x(high), y1: y, y2: y, stroke: "var(--ink)", "stroke-width": 1.5 }),
        svg("line", { x1: x(low), x2: x(low), y1: y - 4, y2: y + 4, stroke: "var(--ink)" }),
        svg("line", { x1: x(high), x2: x(high), y1: y - 4, y2: y + 4, stroke: "var(--ink)" }),
        svg("text", { x: Math.max(x(high), x(mid)) + 6, y: y + 4, class: "strong" }, rateText(mid)),
      ));
    });
  });
}

function drawThreads(question) {
  const family = siblings(question);
  if (family.length < 2) return section("threads");
  const names = family.map(labelOf);
  const series = [];
  for (const [subject, look] of looks) {
    if (state.hidden.has(subject)) continue;
    const points = family.flatMap(q => {
      const answer = q.answers.find(answer => answer.subject === subject);
      if (!answer || !answer.samples.length) return [];
      const values = rates(answer);
      return [{ x: labelOf(q), y: median(values), low: Math.min(...values), high: Math.max(...values) }];
    });
    if (points.length) series.push({ subject, look, points });
  }
  if (!series.length) return section("threads");
  section("threads", "Lines are medians, bands reach from the smallest to the largest round. Rivals are dashed.", plot => {
    const area = frame(plot, 320, { left: 66, right: 14 }, "Throughput against threads");
    const all = series.flatMap(one => one.points);
    const x = steps(names, area.left, area.right);
    const y = rateScale(Math.min(...all.map(p => p.low)), Math.max(...all.map(p => p.high)), area.bottom, area.top);
    const kind = question.conditions.kind;
    axisX(area, x, name => name, question.conditions.sides ? sideWords[kind] || "sides" : threadsWord(kind));
    axisY(area, y, rateText, rateLabel());
    curves(area, series, x, y);
    for (const { look, points } of series) points.forEach(p => area.root.append(mark(x(p.x), y(p.y), look)));
    follow(area, names, x, (event, name) => {
      const rows = series.flatMap(one => one.points.filter(p => p.x === name).map(p => [one.subject, p.y]));
      rows.sort((a, b) => b[1] - a[1]);
      tip.show(event, `${name} ${question.conditions.sides ? "" : threadsWord(kind)}`, rows.map(([subject, value]) => [subject, rateText(value)]));
    });
  });
}

// Quantiles on an axis of nines: 0, 90 %, 99 %, ... are equally far apart.
const nines = quantile => -Math.log10(Math.max(1 - quantile, 1e-9));

function drawLatency(question) {
  const answers = shown(question).filter(answer => answer.curve.length > 1);
  if (!answers.length) return section("latency");
  const note = "What share of the waits was no longer than this, over all rounds; the last point is the longest.";
  section("latency", note, plot => {
    const inner = answers.flatMap(a => a.curve).filter(([q]) => q < 1).map(([q]) => nines(q));
    const last = Math.max(1, Math.ceil(Math.max(...inner)));
    const place = q => q >= 1 ? last + 0.4 : nines(q);
    const area = frame(plot, 320, { left: 66, right: 24 }, "Latency by quantile");
    const x = linear(0, last + 0.4, area.left, area.right);
    x.ticks = [...Array(last + 1).keys()].concat(last + 0.4);
    const times = answers.flatMap(a => a.curve.map(([, ns]) => ns)).filter(ns => ns > 0);
    const y = logarithmic(Math.min(...times, 1e3), Math.max(...times), area.bottom, area.top);
    const text = tick => tick > last ? "max" : tick === 0 ? "0 %" : tick === 1 ? "90 %" : "99" + (tick > 2 ? "." + "9".repeat(tick - 2) : "") + " %";
    axisX(area, x, text, "share of the waits (each step: ten times fewer are left)");
    axisY(area, y, timeText, "waited no longer than");
    const series = answers.map(a => ({ subject: a.subject, look: looks.get(a.subject), points: a.curve.map(([q, ns]) => ({ x: place(q), y: ns })) }));
    curves(area, series, x, y);
    const grid = [0, 0.301, 1, 1.301, 2, 2.301, 3, 3.301, 4, 5, 6, 7, 8].filter(at => at <= last).concat(last + 0.4);
    follow(area, grid, x, (event, at) => {
      const quantile = at > last ? 1 : 1 - 10 ** -at;
      const value = curve => (curve.find(([q]) => q >= quantile - 1e-9) || curve[curve.length - 1])[1];
      const rows = answers.map(a => [a.subject, value(a.curve)]).sort((a, b) => a[1] - b[1]);
      const title = at > last ? "the longest" : `${Number((quantile * 100).toPrecision(6))} % waited no longer than`;
      tip.show(event, title, rows.map(([subject, ns]) => [subject, timeText(ns)]));
    });
  });
}

function drawPareto(question) {
  const points = shown(question).map(answer => ({ answer, x: cores(answer), y: rate(answer) })).filter(p => p.x > 0 && p.y > 0);
  if (points.length < 2) return section("pareto");
  const front = points.filter(p => !points.some(q => q !== p && q.x <= p.x && q.y >= p.y && (q.x < p.x || q.y > p.y))).sort((a, b) => a.x - b.x);
  section("pareto", "Up is faster, left is cheaper. On the line: nobody is both faster and cheaper.", plot => {
    const area = frame(plot, 320, { left: 66, right: 20 }, "Processor time against throughput");
    const x = linear(0, Math.max(...points.map(p => p.x)) * 1.15, area.left, area.right);
    const y = rateScale(Math.min(...points.map(p => p.y)), Math.max(...points.map(p => p.y)) * 1.05, area.bottom, area.top + 10);
    axisX(area, x, value => Number(value.toFixed(2)), "cores busy");
    axisY(area, y, rateText, rateLabel());
    area.root.append(svg("path", { d: path(front.map(p => [x(p.x), y(p.y)])), fill: "none", stroke: "var(--soft)", "stroke-width": 6, opacity: 0.3, "stroke-linejoin": "round" }));
    const taken = points.map(p => [x(p.x) - 6, x(p.x) + 6, y(p.y) + 4]);
    for (const point of points.sort((a, b) => b.y - a.y)) {
      const { answer } = point;
      const [px, py] = [x(point.x), y(point.y)];
      const onFront = front.includes(point);
      const leftwards = px > area.right - answer.subject.length * 7 - 12;
      const width = answer.subject.length * 7;
      const [from, to] = leftwards ? [px - 9 - width, px - 9] : [px + 9, px + 9 + width];
      let row = py + 4;
      const isTaken = at => taken.some(([a, b, other]) => Math.abs(other - at) < 12 && a < to && b > from);
      while (isTaken(row) && row < area.bottom - 8) row += 6;
      while (isTaken(row) && row > area.top + 8) row -= 6;
      taken.push([from, to, row]);
      const rows = [["throughput", rateText(point.y) + "/s"], ["cores", point.x.toFixed(2)], ["CPU an operation", timeText(point.x / point.y * 1e9)], ["on the front", onFront ? "yes" : "no"]];
      const isNamed = points.length <= NAMED_MAX || onFront || answer.subject === question.baseline;
      area.root.append(svg("g", hover(answer.subject, rows), mark(px, py, looks.get(answer.subject), 5), !isNamed ? null :
        svg("text", { x: leftwards ? px - 9 : px + 9, y: row, "text-anchor": leftwards ? "end" : "start", class: onFront ? "strong" : "", "font-weight": onFront ? 600 : 400 }, answer.subject)));
    }
  });
}

function drawHeat(question) {
  const c = question.conditions;
  const family = questions.filter(q => q.conditions.kind === c.kind && q.conditions.pinned === c.pinned && q.conditions.outside_ns === c.outside_ns && q.view.best);
  const byReads = family.some(q => q.conditions.reads_permille !== null);
  const cells = byReads ? family.filter(q => q.conditions.section_ns === c.section_ns) : family;
  const column = q => byReads ? q.conditions.reads_permille : q.conditions.section_ns;
  const sorted = values => [...new Set(values)].sort((a, b) => a - b);
  const [across, down] = [sorted(cells.map(column)), sorted(cells.map(q => q.conditions.threads))];
  if (c.sides || across.length < 2 || down.length < 2) return section("heat");
  section("heat", "Hatched: another of the house is indistinguishable from it, so any of them will do.", plot => {
    const area = frame(plot, down.length * 38 + 52, { left: 52, right: 4 }, "Best strategy by threads");
    const x = steps(across, area.left, area.right);
    const y = steps(down, area.top, area.bottom);
    const pattern = svg("pattern", { id: "hatch", width: 7, height: 7, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" }, svg("rect", { width: 2.5, height: 7, fill: "var(--card)", opacity: 0.75 }));
    area.root.append(svg("defs", {}, pattern));
    const used = new Set();
    for (const q of cells) {
      const { best, alike } = q.view;
      used.add(best);
      const look = looks.get(best) || { color: "var(--soft)" };
      const box = { x: x(column(q)) - x.gap / 2 + 1, y: y(q.conditions.threads) - y.gap / 2 + 1, width: x.gap - 2, height: y.gap - 2, rx: 3 };
      const fits = best.length * 7 + 8 < box.width;
      const rows = [["best", best], [rateLabel(), rateText(rate(q.answers.find(a => a.subject === best)))], ["indistinguishable", alike.join(", ") || "none"], ["noise", percent(q.noise)]];
      const label = { x: x(column(q)), y: y(q.conditions.threads) + 4, "text-anchor": "middle", "font-size": 12 };
      area.root.append(svg("g", { ...hover(q.title, rows), onclick: () => pick(q), style: "cursor:pointer" },
        svg("rect", { ...box, fill: look.color, opacity: 0.9 }), alike.length ? svg("rect", { ...box, fill: "url(#hatch)" }) : null,
        q === question ? svg("rect", { ...box, fill: "none", stroke: "var(--ink)", "stroke-width": 2.5 }) : null,
        fits ? svg("text", { ...label, style: "fill:#fff;stroke:#222;stroke-width:3px;paint-order:stroke;font-weight:600" }, best) : null));
    }
    for (const value of down) area.root.append(svg("text", { x: area.left - 6, y: y(value) + 4, "text-anchor": "end" }, value));
    for (const value of across) area.root.append(svg("text", { x: x(value), y: area.bottom + 15, "text-anchor": "middle" }, byReads ? value / 10 + " %" : value ? timeText(value) : "0"));
    const middle = (area.top + area.bottom) / 2;
    area.root.append(svg("text", { x: 12, y: middle, "text-anchor": "middle", transform: `rotate(-90 12 ${middle})` }, threadsWord(c.kind)));
    area.root.append(svg("text", { x: (area.left + area.right) / 2, y: area.bottom + 34, "text-anchor": "middle" }, byReads ? "share of reads" : "length of the section"));
    const keys = [...used].map(name => html("span", {}, svg("svg", { width: 12, height: 12 }, svg("rect", { width: 12, height: 12, rx: 2, fill: (looks.get(name) || {}).color })), name));
    plot.append(html("div", { class: "legend" }, keys));
  });
}

function drawFairness(question) {
  const sums = answer => {
    const threads = [];
    for (const sample of answer.samples) sample.threads.forEach((share, index) => {
      threads[index] = threads[index] || { operations: 0, held: 0, reader: share.reader };
      threads[index].operations += share.operations;
      threads[index].held += share.held_ns;
    });
    return threads;
  };
  const rows = shown(question).map(answer => ({ answer, threads: sums(answer) })).filter(row => row.threads.length > 1);
  if (!rows.length) return section("fairness");
  const [who, what] = state.kind === "actors" ? ["service", "Messages"] : ["thread", "Acquisitions"];
  const note = `${what} of each ${who} beside the equal share (line at 1). J: Jain's index, 1 is equal.`;
  section("fairness", note, plot => {
    const host = html("div", { class: "small" });
    plot.append(host);
    for (const { answer, threads } of rows) {
      const jain = median(answer.samples.map(sample => sample.jain_operations));
      const held = median(answer.samples.map(sample => sample.jain_held));
      const figure = html("figure", {}, html("figcaption", {}, html("span", {}, answer.subject), html("span", {}, Number.isFinite(jain) ? `J ${jain.toFixed(2)}` : "")));
      host.append(figure);
      const mean = threads.reduce((sum, one) => sum + one.operations, 0) / threads.length || 1;
      const high = Math.max(2, ...threads.map(one => one.operations / mean));
      const area = frame(figure, 70, { left: 2, right: 2, top: 4, bottom: 4 }, `Shares under ${answer.subject}`);
      const x = steps([...threads.keys()], area.left, area.right);
      const y = linear(0, high, area.bottom, area.top);
      threads.forEach((one, index) => {
        const share = one.operations / mean;
        const lines = [[what.toLowerCase(), rateText(one.operations)], ["of the equal share", percent(share)], ...(one.held ? [["time inside", timeText(one.held)]] : [])];
        if (Number.isFinite(held)) lines.push(["Jain of the time inside", held.toFixed(2)]);
        const title = `${answer.subject}, ${who} ${index}` + (question.conditions.kind === "blocking-rw" ? (one.reader ? ", reader" : ", writer") : "");
        area.root.append(svg("g", hover(title, lines),
          svg("rect", { x: x(index) - x.gap / 2, y: area.top, width: x.gap, height: area.bottom - area.top, fill: "transparent" }),
          svg("rect", { x: x(index) - x.gap * 0.4, y: y(share), width: x.gap * 0.8, height: Math.max(area.bottom - y(share), 1), fill: looks.get(answer.subject).color, opacity: one.reader ? 0.55 : 1 })));
      });
      area.root.append(svg("line", { x1: area.left, x2: area.right, y1: y(1), y2: y(1), stroke: "var(--ink)", "stroke-dasharray": "3 3" }));
      area.root.append(svg("line", { x1: area.left, x2: area.right, y1: area.bottom, y2: area.bottom, class: "axis" }));
    }
    if (rows.some(row => new Set(row.threads.map(one => one.reader)).size > 1)) host.after(html("div", { class: "legend" }, "pale: readers, full: writers"));
  });
}

const threadColor = index => `hsl(${(index * 137.5) % 360} 65% ${48 + index % 3 * 8}%)`;

// Readers hold it at the same time: then each thread has a lane of its own in the row.
function lanesOf(answer) {
  const overlap = answer.owners.some((one, index) => index && one.from_ns < answer.owners[index - 1].to_ns);
  return overlap ? Math.max(...answer.owners.map(one => one.thread)) + 1 : 1;
}

function drawOwners(question) {
  const first = answer => Math.min(...answer.owners.map(one => one.from_ns));
  const rows = shown(question).filter(answer => answer.owners.length > 1)
    .map(answer => ({ answer, from: first(answer), lanes: lanesOf(answer) }));
  if (!rows.length) return section("owners");
  const lasts = rows.map(({ answer, from }) => Math.max(...answer.owners.map(one => one.to_ns)) - from);
  const span = Math.min(...lasts) * state.zoom / 100;
  const note = "From one round, a colour a thread. Long stretches of one colour: whoever leaves comes back before the others get in."
    + (rows.some(row => row.lanes > 1) ? " Where several hold it at once, each thread has its own line." : "");
  section("owners", note, plot => {
    const zoom = html("input", { type: "range", min: 1, max: 100, value: state.zoom, "aria-label": "How much of the time is shown", oninput: event => { state.zoom = Number(event.target.value); drawOwners(question); byId("owners").querySelector("input").focus(); } });
    plot.append(html("label", { class: "legend" }, html("span", {}, "first", zoom, timeText(span))));
    const width = plot.clientWidth || 400;
    const longest = Math.max(...rows.map(({ answer }) => answer.subject.length));
    const left = Math.min(longest * 7 + 12, width * 0.36);
    const lane = 4;
    const heights = rows.map(({ lanes }) => lanes > 1 ? Math.max(lanes * lane, 20) : 20);
    const area = frame(plot, heights.reduce((sum, height) => sum + height + 7, 0) + 46, { left, right: 16 }, "Owners over time");
    const x = linear(0, span, area.left, area.right, Math.max(2, Math.floor(width / 140)));
    axisX(area, x, value => value ? tickText(timeText, value) : "0", "since the first one shown");
    const seen = new Set();
    let y = area.top + 3;
    rows.forEach(({ answer, from, lanes }, index) => {
      const height = heights[index];
      const step = height / lanes;
      const top = y;
      const group = svg("g", {});
      for (const { thread, from_ns, to_ns } of answer.owners) {
        if (from_ns - from > span) continue;
        seen.add(thread);
        const [a, b] = [x(from_ns - from), Math.min(x(to_ns - from), area.right)];
        group.append(svg("rect", { x: a.toFixed(2), y: top + (lanes > 1 ? thread * step : 0), width: Math.max(b - a, 0.4).toFixed(2), height: lanes > 1 ? step - 0.5 : step, fill: threadColor(thread) }));
      }
      const move = event => {
        const box = area.root.getBoundingClientRect();
        const at = (event.clientX - box.left - area.left) / (area.right - area.left) * span + from;
        const ones = answer.owners.filter(one => one.from_ns <= at && one.to_ns >= at);
        const texts = ones.map(one => [`thread ${one.thread}`, `for ${timeText(one.to_ns - one.from_ns)}`]);
        tip.show(event, `${answer.subject}, at ${timeText(at - from)}`, texts.length ? texts : [["nobody", ""]]);
      };
      add(group, { onpointermove: move, onpointerdown: move, onpointerleave: tip.hide }, [svg("rect", { x: area.left, y: top, width: area.right - area.left, height, fill: "transparent" })]);
      const cut = Math.floor((left - 12) / 7);
      const name = answer.subject.length > cut ? answer.subject.slice(0, cut - 1) + "..." : answer.subject;
      area.root.append(group, svg("text", { x: left - 8, y: top + height / 2 + 4, "text-anchor": "end", class: answer.own ? "strong" : "" }, name));
      y += height + 7;
    });
    const keys = [...seen].sort((a, b) => a - b).map(thread => html("span", {}, svg("svg", { width: 12, height: 12 }, svg("rect", { width: 12, height: 12, rx: 2, fill: threadColor(thread) })), `thread ${thread}`));
    plot.append(html("div", { class: "legend" }, keys));
  });
}

// Tables and texts.

function tableOf(question) {
  const { headings, rows } = question.view.table;
  const row = ({ own, cells }) => html("tr", { class: own ? null : "rival" },
    cells.map((cell, index) => html("td", { class: cell.best ? "best" : null }, cell.text + (index === 0 && !own ? " *" : ""))));
  const head = html("thead", {}, html("tr", {}, headings.map(text => html("th", { scope: "col" }, text))));
  return html("div", { class: "scroll" }, html("table", {}, head, html("tbody", {}, rows.map(row))));
}

const remarksOf = question => question.answers.filter(answer => answer.remark).map(answer => html("p", { class: "note" }, `${answer.subject}: ${answer.remark}`));

function drawTable(question) {
  const note = `${question.title}. Medians of the rounds; the best of each column is bold, a star marks a rival. Noise ${percent(question.noise)}: a smaller difference is called indistinguishable.`;
  section("table", note, plot => plot.append(tableOf(question), ...remarksOf(question)));
}

function drawAll() {
  section("all", `${questions.length} questions. Open one for its table.`, plot => {
    for (const kind of kinds) {
      const lines = ofKind(kind).map(oneOfAll);
      plot.append(html("details", { class: "kind" }, html("summary", {}, `${kind} (${lines.length})`), lines));
    }
  });
}

function oneOfAll(question) {
  const { best, alike } = question.view;
  const more = alike.length ? `, indistinguishable from ${alike.join(", ")}` : "";
  const details = html("details", {}, html("summary", {}, question.title + (best ? ` - best of the house: ${best}${more}` : "")));
  details.addEventListener("toggle", () => {
    if (details.open && details.children.length === 1) details.append(tableOf(question), ...remarksOf(question));
  });
  return details;
}

function drawMachine() {
  const m = report.machine;
  const noises = questions.map(question => question.noise);
  const noise = noises.length ? `${percent(median(noises))} in the middle, ${percent(Math.max(...noises))} at most` : "-";
  const rows = [
    ["processor", `${m.cpu}, ${m.cores} cores`], ["governor", m.governor || "unknown"], ["system", m.system],
    ["build", `ironsky ${m.ironsky}, ${m.rustc}`], ["strategy", m.strategy], ["allocator", m.allocator],
    ["load", `${m.load[0].toFixed(2)} before, ${m.load[1].toFixed(2)} after`], ["begun", report.started],
    ["took", timeText(report.took_s * 1e9)], ["complete", report.complete ? "yes" : "no: interrupted"],
    ["noise", `${noise} (the baseline against itself)`], ["schema", report.schema],
  ];
  section("machine", "", plot => {
    plot.append(html("dl", {}, rows.flatMap(([name, value]) => [html("dt", {}, name), html("dd", {}, value)])));
    plot.append(html("p", { class: "note" }, "The command that repeats it:"), html("pre", {}, report.command));
  });
}

const someOf = names => names.length > 6 ? `${names.slice(0, 5).join(", ")} and ${names.length - 5} others` : names.join(", ");

function drawAdvice() {
  byId("advice").hidden = !report.advice.length;
  const gainText = gain => gain === null ? "" : ` ${gain >= 0 ? "+" : ""}${(gain * 100).toFixed(0)} % to the default`;
  const card = advice => html("div", { class: "card" },
    html("div", { class: "purpose" }, advice.purpose),
    html("div", { class: "choice" }, advice.choice, html("span", { class: "gain" }, gainText(advice.gain))),
    advice.features ? html("pre", {}, advice.features) : html("p", {}, "The default already: nothing to set."),
    html("p", {}, advice.because + "."),
    advice.runner_up ? html("p", {}, `Runner-up: ${advice.runner_up}.`) : null,
    advice.within_noise.length ? html("p", {}, `Indistinguishable from it: ${someOf(advice.within_noise)}.`) : null);
  byId("advice").querySelector(".cards").replaceChildren(...report.advice.map(card));
}

// Picking.

const kinds = [...new Set(questions.map(question => question.conditions.kind))];
const ofKind = kind => questions.filter(question => question.conditions.kind === kind);

// With many subjects, only the fastest of the house, the baseline and the two fastest rivals.
function hideMost(kind) {
  state.hidden = new Set();
  if (looks.size <= SHOWN_MAX + 3) return;
  const score = subject => ofKind(kind).reduce((sum, question) => {
    const answer = question.answers.find(answer => answer.subject === subject);
    const base = rate(baselineOf(question));
    return sum + (answer && base > 0 && answer.samples.length ? rate(answer) / base : 0);
  }, 0);
  const ranked = own => [...looks].filter(([, look]) => look.own === own).map(([name]) => name).sort((a, b) => score(b) - score(a));
  const kept = new Set([...ranked(true).slice(0, SHOWN_MAX), ...ranked(false).slice(0, 2), ...ofKind(kind).map(q => q.baseline)]);
  state.hidden = new Set([...looks.keys()].filter(name => !kept.has(name)));
}

function pick(question) {
  if (question.conditions.kind !== state.kind) {
    state.kind = question.conditions.kind;
    looks = looksOf(state.kind);
    hideMost(state.kind);
  }
  state.question = question;
  state.zoom = 100;
  byId("kind").value = state.kind;
  byId("question").replaceChildren(...ofKind(state.kind).map(q => html("option", { value: questions.indexOf(q) }, q.title)));
  byId("question").value = questions.indexOf(question);
  draw();
}

function drawSubjects() {
  const toggle = subject => { state.hidden.has(subject) ? state.hidden.delete(subject) : state.hidden.add(subject); draw(); };
  const chip = ([subject, look]) => html("button", { type: "button", class: "chip", "aria-pressed": String(!state.hidden.has(subject)), onclick: () => toggle(subject) }, swatch(look), subject + (look.own ? "" : " *"));
  const show = (text, isHidden) => html("button", { type: "button", class: "chip", onclick: () => { state.hidden = new Set([...looks].filter(isHidden).map(([name]) => name)); draw(); } }, text);
  byId("subjects").replaceChildren(...[...looks].map(chip), show("all", () => false), show("house only", ([, look]) => !look.own));
}

function draw() {
  tip.hide();
  drawSubjects();
  const question = state.question;
  for (const chart of [drawBars, drawThreads, drawLatency, drawPareto, drawHeat, drawFairness, drawOwners, drawTable]) chart(question);
}

function start() {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.classList.toggle("dark", dark || location.hash === "#dark");
  byId("theme").addEventListener("click", () => document.documentElement.classList.toggle("dark"));
  const m = report.machine;
  byId("summary").append(`${questions.length} questions, ${timeText(report.took_s * 1e9)}, ${m.cores} cores of ${m.cpu}. `);
  if (!report.complete) byId("summary").append(html("span", { class: "warning" }, "Interrupted: cells are missing or have fewer rounds."));
  drawAdvice();
  drawMachine();
  drawAll();
  if (!questions.length) {
    document.querySelector("nav").hidden = true;
    for (const id of ["bars", "threads", "latency", "pareto", "heat", "fairness", "owners", "table", "all"]) section(id);
    return;
  }
  byId("kind").replaceChildren(...kinds.map(kind => html("option", { value: kind }, kind)));
  byId("kind").addEventListener("change", event => pick(ofKind(event.target.value)[0]));
  byId("question").addEventListener("change", event => pick(questions[Number(event.target.value)]));
  byId("axis").addEventListener("change", event => { state.log = event.target.value === "log"; draw(); });
  let width = innerWidth;
  addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; draw(); } });
  const busiest = questions.find(question => question.conditions.threads > 1) || questions[0];
  const named = questions.find(question => "#" + question.name === decodeURIComponent(location.hash));
  pick(named || busiest);
}
start();
