/* Drawing: the map, and lines against steps. Colours come from the page's style, so that both themes have their own. */
"use strict";

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function channels(hex) {
  return [1, 3, 5].map(i => parseInt(hex.slice(i, i + 2), 16));
}

/* A canvas as sharp as the screen; returns its context in CSS pixels, and its size in them. */
function sharp(canvas) {
  const ratio = window.devicePixelRatio || 1, box = canvas.getBoundingClientRect();
  const width = Math.max(1, Math.round(box.width)), height = Math.max(1, Math.round(box.height));
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return {context, width, height};
}

/* Where the cells of a map lie on a canvas: behind the labels of rows, below those of columns. */
function mapLayout(width, height, length) {
  const label = 34, side = Math.min(width - label, height - label);
  return {left: label, top: label, cell: side / length, side};
}

const NAMES = {"<bos>": "BOS", "<eos>": "EOS", "<mask>": "▢", "content": "·", "trigger": "★", " ": "␣", "\n": "↵"};

function tokenName(token) {
  return NAMES[token] ?? token;
}

const percent = value => Number.isFinite(value) ? `${(100 * value).toFixed(0)} %` : "–";

/* One head's map; `chosen` is a cell under the pointer, or its column where `isAimed`; `columns` were predicted. */
function drawMap(canvas, shape, map, head, {chosen, isAimed, columns}) {
  const {context, width, height} = sharp(canvas), T = shape.length;
  const {left, top, cell, side} = mapLayout(width, height, T);
  const paper = channels(colour("--map-low")), ink = channels(colour("--map-high"));
  const picture = new ImageData(T, T);
  for (let i = 0; i < T * T; i++) {
    const share = map ? map[head * T * T + i] / 255 : 0;
    for (let c = 0; c < 3; c++)
      picture.data[4 * i + c] = Math.round(paper[c] + (ink[c] - paper[c]) * share);
    picture.data[4 * i + 3] = 255;
  }
  const small = document.createElement("canvas");
  small.width = small.height = T;
  small.getContext("2d").putImageData(picture, 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(small, left, top, side, side);
  context.strokeStyle = colour("--line");
  context.strokeRect(left - 0.5, top - 0.5, side + 1, side + 1);
  drawLabels(context, shape, {left, top, cell, side});
  drawColumns(context, columns, {left, top, cell, side});
  if (chosen) {
    context.strokeStyle = colour("--accent");
    context.lineWidth = 2;
    context.strokeRect(left + chosen.key * cell, isAimed ? top : top + chosen.query * cell, cell, isAimed ? side : cell);
    context.lineWidth = 1;
  }
}

/* Tokens along both sides: all of them while there is room, else the first and the last. A name wider than its column stands upright. */
function drawLabels(context, shape, {left, top, cell, side}) {
  const size = Math.max(9, Math.min(13, cell * 0.8)), T = shape.length;
  context.font = `${size}px ${colour("--font")}`;
  context.textBaseline = "middle";
  for (let i = 0; i < T; i++) {
    const name = tokenName(shape.tokens[i]);
    if (cell < 7 && i > 0 && i < T - 1)
      continue;
    context.fillStyle = shape.idle[i] ? colour("--quiet") : colour("--text");
    context.textAlign = "right";
    context.fillText(name, left - 4, top + (i + 0.5) * cell);
    const isWide = name.length > 1 && context.measureText(name).width > cell - 2;
    context.save();
    context.translate(left + (i + 0.5) * cell, top - (isWide ? 4 : 9));
    context.rotate(isWide ? -Math.PI / 2 : 0);
    context.textAlign = isWide ? "left" : "center";
    context.fillText(name, 0, 0);
    context.restore();
  }
}

function drawColumns(context, columns, {left, top, cell, side}) {
  context.strokeStyle = colour("--guess");
  context.setLineDash([5, 4]);
  context.lineWidth = 2;
  for (const key of columns)
    context.strokeRect(left + key * cell + 1, top + 1, cell - 2, side - 2);
  context.setLineDash([]);
  context.lineWidth = 1;
}

/* Lines over steps. `lines`: [{points: [[step, value]], name, style: "solid"|"dashed"|"pinned", colour}], `marks`: vertical ones. */
function drawLines(canvas, {lines, low, high, until, marks, now, format}) {
  const {context, width, height} = sharp(canvas);
  const left = 50, right = 8, top = 8, bottom = 18;
  const x = step => left + (width - left - right) * step / Math.max(1, until);
  const y = value => top + (height - top - bottom) * (1 - (Math.min(high, Math.max(low, value)) - low) / (high - low || 1));
  context.font = `11px ${colour("--font")}`;
  context.fillStyle = colour("--quiet");
  context.strokeStyle = colour("--line");
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const value of [low, high]) {
    context.fillText(format(value), left - 5, y(value));
    context.beginPath();
    context.moveTo(left, Math.round(y(value)) + 0.5);
    context.lineTo(width - right, Math.round(y(value)) + 0.5);
    context.stroke();
  }
  context.textBaseline = "alphabetic";
  context.fillText(`${until} steps`, width - right, height - 4);
  context.textAlign = "left";
  context.fillText("0", left, height - 4);
  for (const line of lines)
    drawLine(context, line, x, y, width - right);
  for (const mark of marks ?? []) {
    context.strokeStyle = colour("--accent");
    context.setLineDash([2, 3]);
    context.beginPath();
    context.moveTo(x(mark.step), top);
    context.lineTo(x(mark.step), height - bottom);
    context.stroke();
    context.setLineDash([]);
    context.fillStyle = colour("--accent");
    context.textAlign = x(mark.step) > width / 2 ? "right" : "left";
    drawWords(context, mark.text, x(mark.step) + (context.textAlign === "left" ? 4 : -4), top + 10);
  }
  if (now !== null && now !== undefined) {
    context.strokeStyle = colour("--text");
    context.beginPath();
    context.moveTo(x(now), top);
    context.lineTo(x(now), height - bottom);
    context.stroke();
  }
}

/* Words with a margin around them, so that a line behind leaves them readable. */
function drawWords(context, words, x, y) {
  context.strokeStyle = colour("--paper");
  context.lineWidth = 4;
  context.strokeText(words, x, y);
  context.lineWidth = 1;
  context.fillText(words, x, y);
}

function drawLine(context, line, x, y, end) {
  const points = line.points.filter(([, value]) => Number.isFinite(value));
  if (points.length === 0)
    return;
  context.strokeStyle = context.fillStyle = colour(line.colour);
  context.lineWidth = line.style === "solid" ? 2.2 : 1.4;
  context.setLineDash({solid: [], dashed: [5, 4], pinned: [1, 3]}[line.style]);
  context.beginPath();
  points.forEach(([step, value], i) => context[i === 0 ? "moveTo" : "lineTo"](x(step), y(value)));
  context.stroke();
  context.setLineDash([]);
  context.lineWidth = 1;
  if (!line.name)
    return;
  const [step, value] = points[points.length - 1];
  context.textAlign = x(step) > end - 70 ? "right" : "left";
  drawWords(context, line.name, x(step) + (context.textAlign === "left" ? 4 : -4), y(value) + (y(value) < 24 ? 14 : -5));
}
