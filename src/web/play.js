/* The page: one run at a time in the worker, its frames kept for looking back; controls, prediction, pins, the link. */
"use strict";

const THRESHOLD = 0.3, FLOOR_TIMES = 3, STAY = 3; // when a sink has formed: refframe's rule for sink_mass
const FRAMES = 150; // of a run, about
const SPEEDS = [["full", 0], ["half", 60], ["slow", 250]];
const N_SEEDS = 20;

const $ = id => document.getElementById(id);
const CELL_HINT = $("cell").textContent;
const isStill = matchMedia("(prefers-reduced-motion: reduce)");

const page = {
  worker: null, isReady: false, id: 0,
  preset: "sink", state: null, until: 600, // what the next run is
  shape: null, frames: [], at: 0, isRunning: false, isOpen: false, wantsPlay: false,
  head: null, chosen: null, guess: null, pinned: null, speed: 0, isLooping: false, seeds: null, lesson: null, trouble: "",
};

/* ---- the state, and the link that holds it ---- */

function stateOf(preset) {
  const {task, state} = PRESETS[preset];
  return {task, ...state, rate: RATES[task], seed: 1};
}

/* Whether a run is this one, but for its seed and learning rate. */
const hasSwitchesOf = state => ["task", ...Object.keys(SWITCHES)].every(key => page.state[key] === state[key]);

function readLink() {
  const given = new URLSearchParams(location.hash.slice(1)), preset = given.get("preset");
  page.preset = preset in PRESETS ? preset : "sink";
  page.state = stateOf(page.preset);
  page.until = PRESETS[page.preset].steps;
  for (const [key, {values}] of Object.entries(SWITCHES))
    if (given.get(key) in values)
      page.state[key] = given.get(key);
  const rate = Number(given.get("rate")), seed = Number(given.get("seed"));
  if (rate > 0 && rate <= 1)
    page.state.rate = rate;
  if (Number.isInteger(seed) && seed > 0 && seed < 2 ** 31)
    page.state.seed = seed;
}

function writeLink() {
  const usual = stateOf(page.preset), words = new URLSearchParams({preset: page.preset});
  for (const key of [...Object.keys(SWITCHES), "rate", "seed"])
    if (page.state[key] !== usual[key])
      words.set(key, page.state[key]);
  history.replaceState(null, "", "#" + words);
}

/* ---- the worker ---- */

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

const every = () => Math.max(1, Math.round(page.until / FRAMES));

/* A new run, at its step 0. */
function open() {
  page.id++;
  page.seeds = null; // whatever seeds are still to come: they were of another run
  $("seeds").disabled = false;
  Object.assign(page, {shape: null, frames: [], at: 0, isOpen: false, isRunning: false, isLooping: false, chosen: null, trouble: ""});
  writeLink();
  if (page.isReady)
    page.worker.postMessage({kind: "open", id: page.id, settings: settingsOf(page.state), every: every(), until: page.until,
      rest: SPEEDS[page.speed][1]});
  show();
}

function play() {
  page.wantsPlay = true;
  if (page.isOpen) {
    if (lastFrame().step >= page.until)
      page.until += PRESETS[page.preset].steps; // after the end: as much again
    page.isRunning = true;
    page.at = page.frames.length - 1;
    page.worker.postMessage({kind: "go", id: page.id, until: page.until, every: every(), rest: SPEEDS[page.speed][1]});
  }
  show();
}

function pause() {
  page.isRunning = page.wantsPlay = false;
  page.worker.postMessage({kind: "pause", id: page.id});
  show();
}

function end() {
  page.isRunning = page.wantsPlay = false;
}

/* ---- what is seen of a run ---- */

const lastFrame = () => page.frames[page.frames.length - 1];
const finite = value => Number.isFinite(value) ? value : 0;
const sinkOf = frame => Math.max(...frame.sinks.map(finite));
const endOf = frame => Math.max(...frame.ends.map(finite));

/* The head that is shown: the one chosen, or the one whose first or last token draws most in the newest frame. */
function headShown() {
  if (page.head !== null || page.frames.length === 0)
    return page.head ?? 0;
  const frame = lastFrame(), strength = h => Math.max(finite(frame.sinks[h]), page.state.eos === "always" ? finite(frame.ends[h]) : 0);
  return Array.from({length: page.shape.nHeads}, (_, h) => h).reduce((best, h) => strength(h) > strength(best) ? h : best, 0);
}

/* The first frame from which a value stays beyond its floor; null while none does. */
function formed(frames, values, floor) {
  for (let i = 0; i + STAY <= frames.length; i++)
    if (values.slice(i, i + STAY).every(value => value > Math.max(THRESHOLD, FLOOR_TIMES * floor)))
      return frames[i].step;
  return null;
}

const hasEnd = () => page.state.eos === "always";

/* Where the column is, by the newest frame's head. */
function answer() {
  const frame = lastFrame(), head = headShown();
  const isAt = (value, floor) => finite(value) > Math.max(THRESHOLD, FLOOR_TIMES * floor);
  const isFirst = isAt(frame.sinks[head], frame.sinkFloor), isLast = hasEnd() && isAt(frame.ends[head], frame.endFloor);
  return isFirst && isLast ? "both" : isFirst ? "first" : isLast ? "last" : "none";
}

function verdict() {
  const frame = lastFrame();
  if (!page.isOpen || page.frames.length < 2)
    return "";
  const found = answer(), isOver = frame.step >= page.until;
  if (!isOver)
    return "";
  const said = found === "none" ? "No column formed: no sink." : `A sink: idle tokens look at ${ANSWERS[found]}.`;
  if (!page.guess)
    return said;
  return `${said} You said ${ANSWERS[page.guess]}: ${page.guess === found ? "right." : "see for yourself."}`;
}

/* ---- showing ---- */

let isDue = false;

/* Draws once before the screen's next picture, however often it is asked to. */
function show() {
  if (isDue)
    return;
  isDue = true;
  requestAnimationFrame(() => {
    isDue = false;
    draw();
  });
}

function draw() {
  const frame = page.frames[page.at] ?? null;
  $("play").textContent = page.isRunning || (page.wantsPlay && !page.isOpen) ? "❚❚ Pause" : frame && frame.step >= page.until ? "▶ Go on" : "▶ Play";
  $("play").disabled = page.trouble !== "" || page.seeds !== null || page.until === 0;
  $("step").textContent = frame ? `step ${frame.step} of ${page.until}` : page.isReady ? "opening…" : "loading…";
  $("trouble").textContent = page.trouble;
  $("told").textContent = PRESETS[page.preset].text;
  $("scrub").max = Math.max(0, page.frames.length - 1);
  $("pin").disabled = page.frames.length < 2 && !page.pinned;
  $("film").disabled = page.frames.length < 2;
  $("scrub").value = page.at;
  $("scrub").setAttribute("aria-valuetext", frame ? `step ${frame.step}` : "nothing yet");
  $("loop").setAttribute("aria-pressed", page.isLooping);
  $("pin").setAttribute("aria-pressed", page.pinned !== null);
  $("pin").textContent = page.pinned ? "Unpin" : "Pin this run";
  drawPressed();
  drawHeads();
  drawPredict();
  drawLesson();
  $("verdict").textContent = verdict();
  if (!frame)
    return;
  drawMap($("map"), page.shape, frame.map, headShown(), page.chosen, page.guess);
  drawCell(frame);
  drawCharts(frame);
}

function drawPressed() {
  for (const button of document.querySelectorAll("#presets button"))
    if (button.dataset.preset)
      button.setAttribute("aria-pressed", page.lesson === null && button.dataset.preset === page.preset && hasSwitchesOf(stateOf(page.preset)));
  for (const button of document.querySelectorAll("#switches button")) {
    button.setAttribute("aria-pressed", page.state[button.dataset.key] === button.dataset.value);
    button.disabled = button.dataset.key === "goals" && page.state.task !== "fetch";
  }
  if (document.activeElement !== $("rate"))
    $("rate").value = page.state.rate;
  if (document.activeElement !== $("seed"))
    $("seed").value = page.state.seed;
}

function drawHeads() {
  const n = page.shape?.nHeads ?? 0, holder = $("heads");
  if (holder.childElementCount !== (n > 1 ? n : 0)) {
    holder.replaceChildren();
    for (let h = 0; h < n && n > 1; h++)
      holder.append(made("button", `layer ${Math.floor(h / page.shape.headsEach)}, head ${h % page.shape.headsEach}`, () => {
        page.head = h;
        show();
      }));
  }
  [...holder.children].forEach((button, h) => button.setAttribute("aria-pressed", h === headShown()));
}

function drawPredict() {
  const hasBegun = page.frames.length > 1;
  $("predict").hidden = page.lesson !== null || (hasBegun && !page.guess);
  for (const button of $("predict").querySelectorAll("button")) {
    button.disabled = hasBegun;
    button.setAttribute("aria-pressed", button.dataset.guess === page.guess);
  }
}

const percent = value => Number.isFinite(value) ? `${(100 * value).toFixed(0)} %` : "–";

function drawCell(frame) {
  const T = page.shape.length, head = headShown(), {chosen} = page;
  if (!chosen) {
    $("cell").textContent = CELL_HINT;
    return;
  }
  const weight = (frame.map[head * T * T + chosen.query * T + chosen.key] / 255) ** 2;
  const name = i => `${tokenName(page.shape.tokens[i])} (place ${i})`;
  $("cell").textContent = `${name(chosen.query)} gives ${name(chosen.key)} ${percent(weight)} of its attention.` +
    (page.shape.idle[chosen.query] ? " It has nothing to fetch." : "");
}

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
  const common = {until, now: page.at < page.frames.length - 1 ? frame.step : null};
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

/* ---- twenty seeds ---- */

function nextSeed() {
  const seed = page.seeds.ended.length + 1;
  page.worker.postMessage({kind: "whole", id: page.id, settings: settingsOf({...page.state, seed}), until: page.until, every: every(), seed});
}

function startSeeds() {
  pause();
  page.id++; // what is still on its way is of what was before
  page.isOpen = false;
  page.seeds = {ended: []};
  $("strip").replaceChildren();
  $("seeds").disabled = true;
  nextSeed();
  show();
}

function addSeed({id, seed, frames}) {
  if (id !== page.id)
    return;
  const last = frames[frames.length - 1], sink = sinkOf(last), end = endOf(last);
  const step = formed(frames, frames.map(sinkOf), last.sinkFloor);
  page.seeds.ended.push(step);
  const cell = document.createElement("span"), strength = Math.max(sink, hasEnd() ? end : 0);
  cell.setAttribute("role", "listitem");
  cell.textContent = step ?? "no";
  cell.title = `seed ${seed}: first token ${percent(sink)}` + (hasEnd() ? `, last ${percent(end)}` : "");
  cell.style.background = `color-mix(in srgb, var(--map-high) ${Math.round(60 * strength)}%, var(--map-low))`;
  $("strip").append(cell);
  tellSeeds();
  if (page.seeds.ended.length < N_SEEDS) {
    nextSeed();
    return;
  }
  open();
}

/* How many formed one, with Wilson's interval of 95 % (1927). */
function tellSeeds() {
  const {ended} = page.seeds, n = ended.length, k = ended.filter(step => step !== null).length, z = 1.96;
  const middle = (k + z * z / 2) / (n + z * z), half = z / (n + z * z) * Math.sqrt(k * (n - k) / n + z * z / 4);
  $("seeds-told").textContent = `A first-token sink formed in ${k} of ${n} seeds (95 % interval: ${percent(Math.max(0, middle - half))} to ` +
    `${percent(Math.min(1, middle + half))}). Numbers: the step.`;
}

/* ---- controls ---- */

function made(tag, words, press) {
  const element = document.createElement(tag);
  element.textContent = words;
  if (press) {
    element.type = "button";
    element.addEventListener("click", press);
  }
  return element;
}

function build() {
  for (const [name, {title}] of Object.entries(PRESETS)) {
    const button = made("button", title, () => choosePreset(name));
    button.dataset.preset = name;
    $("presets").append(button);
  }
  const teach = made("button", "The lesson", () => page.lesson ? leaveLesson() : takeStep(0));
  teach.id = "teach";
  $("presets").append(teach);
  for (const [key, {title, values}] of Object.entries(SWITCHES)) {
    const set = document.createElement("fieldset"), row = document.createElement("div");
    set.append(made("legend", title), row);
    for (const [value, word] of Object.entries(values)) {
      const button = made("button", word, () => flip(key, value));
      Object.assign(button.dataset, {key, value});
      row.append(button);
    }
    $("switches").append(set);
  }
  $("predict").append(made("span", "Before you press play: where will a dark column appear?"));
  for (const [guess, words] of Object.entries(ANSWERS)) {
    const button = made("button", words, () => {
      page.guess = page.guess === guess ? null : guess;
      show();
    });
    button.dataset.guess = guess;
    $("predict").append(button);
  }
}

function choosePreset(name) {
  page.lesson = null;
  page.preset = name;
  page.state = {...stateOf(name), seed: page.state.seed};
  page.until = PRESETS[name].steps;
  Object.assign(page, {guess: null, wantsPlay: false});
  open();
}

function flip(key, value) {
  if (page.state[key] === value)
    return;
  page.state[key] = value;
  page.until = PRESETS[page.preset].steps;
  page.guess = null;
  open();
}

function chooseNumber(key, text, isRight) {
  const value = Number(text);
  if (!isRight(value) || page.state[key] === value)
    return;
  page.state[key] = value;
  open();
}

/* Looking back: by `n` frames, or to one. */
function look(at) {
  page.at = Math.min(page.frames.length - 1, Math.max(0, at));
  show();
}

function loop() {
  page.isLooping = !page.isLooping;
  const turn = () => {
    if (!page.isLooping || page.isRunning)
      return;
    look(page.at + 1 < page.frames.length ? page.at + 1 : 0);
    setTimeout(turn, isStill.matches ? 600 : page.at === page.frames.length - 1 ? 900 : 40 + SPEEDS[page.speed][1]);
  };
  turn();
  show();
}

/* The cell under a point of the map's canvas; null beside it. */
function cellAt(event) {
  const box = $("map").getBoundingClientRect(), T = page.shape.length, {left, top, cell} = mapLayout(box.width, box.height, T);
  const key = Math.floor((event.clientX - box.left - left) / cell), query = Math.floor((event.clientY - box.top - top) / cell);
  return key >= 0 && query >= 0 && key < T && query < T ? {key, query} : null;
}

function readCell(event) {
  if (!page.shape)
    return;
  page.chosen = cellAt(event) ?? page.chosen;
  show();
}

function moveCell(event) {
  const moves = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}, move = moves[event.key];
  if (!move || !page.shape)
    return;
  event.preventDefault();
  const within = value => Math.min(page.shape.length - 1, Math.max(0, value)), from = page.chosen ?? {key: 0, query: page.shape.length - 1};
  page.chosen = page.chosen ? {key: within(from.key + move[0]), query: within(from.query + move[1])} : from;
  show();
}

function saveAs(name, url) {
  const link = document.createElement("a");
  link.download = `sink-${page.preset}-seed${page.state.seed}${name}`;
  link.href = url;
  link.click();
}

function savePicture() {
  saveAs(`-step${page.frames[page.at]?.step ?? 0}.png`, $("map").toDataURL("image/png"));
}

/* Of what has been trained so far. */
function saveFilm() {
  const url = URL.createObjectURL(new Blob([film(page.shape, page.frames, headShown(), sinkOf)], {type: "image/gif"}));
  saveAs(".gif", url);
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}

async function copyLink() {
  writeLink();
  try {
    await navigator.clipboard.writeText(location.href);
    $("link").textContent = "Copied";
  } catch {
    $("link").textContent = "It is in the address bar";
  }
  setTimeout(() => $("link").textContent = "Copy link", 1500);
}

function listen() {
  $("play").addEventListener("click", () => page.isRunning || (page.wantsPlay && !page.isOpen) ? pause() : play());
  $("reset").addEventListener("click", () => {
    page.until = PRESETS[page.preset].steps;
    page.wantsPlay = false;
    open();
  });
  $("lesson-back").addEventListener("click", () => takeStep(page.lesson.at - 1));
  $("lesson-next").addEventListener("click", () => takeStep(page.lesson.at + 1));
  $("lesson-leave").addEventListener("click", leaveLesson);
  $("scrub").addEventListener("input", () => look(Number($("scrub").value)));
  $("back").addEventListener("click", () => look(page.at - 1));
  $("forth").addEventListener("click", () => look(page.at + 1));
  $("loop").addEventListener("click", loop);
  $("speed").addEventListener("click", () => {
    page.speed = (page.speed + 1) % SPEEDS.length;
    $("speed").textContent = `Speed: ${SPEEDS[page.speed][0]}`;
    if (page.isRunning)
      play();
  });
  $("pin").addEventListener("click", () => {
    page.pinned = page.pinned ? null : {frames: page.frames.slice(), until: page.until};
    show();
  });
  $("save").addEventListener("click", savePicture);
  $("film").addEventListener("click", saveFilm);
  $("link").addEventListener("click", copyLink);
  $("rate").addEventListener("change", () => chooseNumber("rate", $("rate").value, v => v > 0 && v <= 1));
  $("seed").addEventListener("change", () => chooseNumber("seed", $("seed").value, v => Number.isInteger(v) && v > 0 && v < 2 ** 31));
  $("seeds").addEventListener("click", startSeeds);
  for (const kind of ["pointermove", "pointerdown"])
    $("map").addEventListener(kind, readCell);
  $("map").addEventListener("pointerleave", event => {
    if (event.pointerType === "mouse") { // a finger leaves with every tap
      page.chosen = null;
      show();
    }
  });
  $("map").addEventListener("keydown", moveCell);
  addEventListener("resize", show);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
}

readLink();
build();
listen();
show();
start().catch(error => fail(error.message));
