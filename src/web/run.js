/* The run under way: the worker that trains it, what it sends, and opening, playing and pausing it. */
"use strict";

const FRAMES = 150; // of a run, about
const SPEEDS = [["full", 0], ["half", 60], ["slow", 250]];

async function unpacked(id) {
  const packed = Uint8Array.from(atob($(id).textContent), c => c.charCodeAt(0));
  $(id).remove();
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

async function start() {
  const url = URL.createObjectURL(new Blob([$("worker").textContent], {type: "text/javascript"}));
  page.worker = new Worker(url);
  page.worker.onmessage = event => heard[event.data.kind](event.data);
  page.worker.onerror = event => fail(event.message);
  const [moduleBytes, corpusBytes] = await Promise.all([unpacked("module"), unpacked("corpus")]);
  page.worker.postMessage({kind: "load", moduleBytes, corpusBytes}, [moduleBytes, corpusBytes]);
}

const heard = {
  ready() {
    page.isReady = true;
    open();
  },
  opened({id, shape, frame}) {
    if (id !== page.id)
      return;
    Object.assign(page, {shape, frames: [frame], at: 0, isOpen: true, head: null, trouble: ""});
    if (page.wantsPlay)
      play();
    show();
  },
  frame({id, frame, isLast}) {
    if (id !== page.id)
      return;
    const wasLast = page.at === page.frames.length - 1;
    page.frames.push(frame);
    if (wasLast)
      page.at = page.frames.length - 1;
    if (isLast)
      end();
    show();
  },
  seed: addSeed,
  failed({id, why}) {
    if (id === page.id)
      fail(why);
  },
};

function fail(why) {
  page.trouble = `This does not go together: ${why}`;
  page.isRunning = page.wantsPlay = false;
  page.seeds = null;
  show();
}

/* Whether there is something to train, and nothing that stands in its way. */
const canTrain = () => page.trouble === "" && page.seeds === null && page.until > 0;

const every = () => Math.max(1, Math.round(page.until / FRAMES));

/* A new run, at its step 0. */
function open() {
  page.id++;
  page.seeds = null; // whatever seeds are still to come: they were of another run
  Object.assign(page, {shape: null, frames: [], at: 0, isOpen: false, isRunning: false, isLooping: false, isReplaying: false, chosen: null, trouble: ""});
  page.wantsPlay &&= page.until > 0 && !lacksPrediction();
  page.isLate = false;
  const {id} = page;
  setTimeout(() => {
    if (page.id !== id || page.isOpen)
      return;
    page.isLate = true;
    show();
  }, 300);
  $("number-told").textContent = "";
  writeLink();
  if (page.isReady)
    page.worker.postMessage({kind: "open", id: page.id, settings: settingsOf(page.state), every: every(), until: page.until,
      rest: SPEEDS[page.speed][1]});
  show();
}

function play() {
  page.wantsPlay = true;
  page.isLooping = page.isReplaying = false; // whoever trains on does not look back
  if (page.isOpen) {
    if (lastFrame().step >= page.until)
      page.until += PRESETS[page.preset].steps; // after the end: as much again
    page.isRunning = true;
    page.at = page.frames.length - 1;
    page.since = {time: performance.now(), step: lastFrame().step};
    page.worker.postMessage({kind: "go", id: page.id, until: page.until, every: every(), rest: SPEEDS[page.speed][1]});
  }
  show();
}

function pause() {
  page.isRunning = page.wantsPlay = false;
  page.worker.postMessage({kind: "pause", id: page.id});
  turn(); // a loop that was asked for meanwhile begins
  show();
}

/* Seconds that a run still takes, once that can be told; else NaN. */
function secondsLeft() {
  const {time, step} = page.since, elapsed = (performance.now() - time) / 1000, done = lastFrame().step - step;
  return page.isRunning && elapsed > 3 && done > 0 ? (page.until - lastFrame().step) / done * elapsed : NaN;
}

function end() {
  page.isRunning = page.wantsPlay = false;
  turn();
}
