/* Three lines against steps, and what they are now in words. */
"use strict";

/* The run under way and the pinned one, as lines. */
function linesOf(value, colourName) {
  const points = frames => frames.map(frame => [frame.step, value(frame)]);
  const lines = [{points: points(page.frames), style: "solid", colour: colourName}];
  if (page.pinned)
    lines.unshift({points: points(page.pinned.frames), style: "pinned", colour: colourName, name: "pinned"});
  return lines;
}

function drawCharts(frame) {
  const head = headShown(), newest = lastFrame();
  const until = Math.max(page.until, page.pinned ? page.pinned.until : 0);
  const straight = value => ({points: [[0, value], [until, value]], style: "dashed", colour: "--quiet"});
  const common = {until, now: looksBack() ? frame.step : null};
  const step = formed(page.frames, page.frames.map(sinkOf), newest.sinkFloor);
  const sinks = linesOf(sinkOf, "--sink");
  if (hasEnd())
    sinks.push(...linesOf(endOf, "--end"));
  drawLines($("sinks"), {...common, lines: [straight(newest.sinkFloor), ...sinks], low: 0, high: 1, format: percent,
    marks: step === null ? [] : [{step, text: `formed at ${step}`}]});
  const losses = page.frames.concat(page.pinned?.frames ?? []).map(each => each.loss).filter(Number.isFinite);
  const digits = value => value >= 1 ? value.toFixed(2) : value.toPrecision(2);
  drawLines($("losses"), {...common, lines: linesOf(each => each.loss, "--loss"), low: 0, high: Math.max(...losses), format: v => v === 0 ? "0" : digits(v)});
  const drains = each => each.drains[head];
  const largest = Math.max(1.5, ...page.frames.map(each => finite(drains(each))));
  drawLines($("drains"), {...common, lines: [straight(1), ...linesOf(drains, "--norm")], low: 0, high: largest, format: v => `${v.toFixed(1)} ×`});
  const isEmpty = !frame.sinks.some(Number.isFinite);
  $("sink-now").textContent = isEmpty ? "none: idle rows are empty" : percent(sinkOf(frame));
  $("end-now").textContent = hasEnd() && !isEmpty ? `, on the last (orange) ${percent(endOf(frame))}` : "";
  $("floor").textContent = `(dashed: even attention, ${percent(frame.sinkFloor)})`;
  $("loss-now").textContent = Number.isFinite(frame.loss) ? digits(frame.loss) : "–";
  $("drain-now").textContent = Number.isFinite(drains(frame)) ? `${drains(frame).toFixed(2)} ×` : "–";
}
