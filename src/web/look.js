/* Looking at what has been trained: back through the frames, and into single cells of the map. */
"use strict";

const looksBack = () => page.at < page.frames.length - 1;

/* Looking back: to a frame. */
function look(at) {
  page.at = Math.min(page.frames.length - 1, Math.max(0, at));
  show();
}

function loop() {
  page.isLooping = !page.isLooping;
  page.isReplaying = false;
  turn();
  show();
}

/* From the frame that is looked at to the last one, once. */
function replay() {
  page.isReplaying = true;
  page.isLooping = false;
  turn();
  show();
}

function stopLooking() {
  page.isReplaying = page.isLooping = false;
  show();
}

let nextTurn = 0; // its timer: there is one, however often the loop is begun

function turn() {
  clearTimeout(nextTurn);
  if (!(page.isLooping || page.isReplaying) || page.isRunning)
    return;
  if (page.isReplaying && !looksBack()) { // its reader went to the end
    stopLooking();
    return;
  }
  look(looksBack() ? page.at + 1 : 0);
  page.isReplaying &&= looksBack();
  nextTurn = setTimeout(turn, isStill.matches ? 600 : looksBack() ? 40 + SPEEDS[page.speed][1] : 900);
}

/* The cell under a point of the map's canvas; null beside it. */
function cellAt(event) {
  const box = $("map").getBoundingClientRect(), T = page.shape.length, {left, top, cell} = mapLayout(box.width, box.height, T);
  const key = Math.floor((event.clientX - box.left - left) / cell), query = Math.floor((event.clientY - box.top - top) / cell);
  return key >= 0 && query >= 0 && key < T && query < T ? {key, query} : null;
}

const placeName = i => `${tokenName(page.shape.tokens[i])} (place ${i})`;

function readCell(event) {
  if (!page.shape)
    return;
  page.chosen = cellAt(event) ?? page.chosen;
  show();
}

/* Where the lesson asks for a column, a click says which. */
function pressCell(event) {
  const cell = takesColumns() ? cellAt(event) : null;
  if (cell)
    expectColumn(cell.key);
}

function moveCell(event) {
  if ((event.key === "Enter" || event.key === " ") && takesColumns() && page.chosen) {
    event.preventDefault();
    expectColumn(page.chosen.key);
    return;
  }
  const moves = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}, move = moves[event.key];
  if (!move || !page.shape)
    return;
  event.preventDefault();
  const within = value => Math.min(page.shape.length - 1, Math.max(0, value)), from = page.chosen ?? {key: 0, query: page.shape.length - 1};
  page.chosen = page.chosen ? {key: within(from.key + move[0]), query: within(from.query + move[1])} : from;
  show();
}
