/* The page as it is now: one drawing before each picture of the screen. */
"use strict";

const CELL_HINT = "Each row is a token that looks, each column one that is looked at. Strong colour is much attention. A strong column is a sink: " +
  "tokens with nothing to [fetch] all look there.";
const SIGNS = {fetch: " ★ is the token that must fetch, · any other.", language: " Point at a row to read whether it must fetch."};

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
  tell($("told"), toldOf(page.preset, page.state));
  drawBars(frame);
  drawPressed();
  drawHeads();
  drawPredict();
  drawLesson();
  $("verdict").setAttribute("aria-live", page.isReplaying || page.isLooping ? "off" : "polite"); // it changes with every frame
  tell($("verdict"), verdict());
  $("trouble").textContent = page.trouble;
  if (!frame) {
    if (page.isLate || page.trouble)
      drawNothing();
    return;
  }
  drawMap($("map"), page.shape, frame.map, headShown(), {chosen: page.chosen, isAimed: takesColumns(), columns: columnsGuessed()});
  drawCell(frame);
  drawCharts(frame);
}

/* Nothing of another run stays where one is long in opening, or can't be opened. */
function drawNothing() {
  for (const id of ["map", "sinks", "losses", "drains"])
    sharp($(id));
  for (const id of ["sink-now", "loss-now", "drain-now"])
    $(id).textContent = "–";
  $("end-now").textContent = $("floor").textContent = "";
  tell($("cell"), "");
}

/* What plays and what looks back. */
function drawBars(frame) {
  const isStarting = page.isRunning || (page.wantsPlay && !page.isOpen);
  $("play").textContent = isStarting || page.isReplaying || page.isLooping ? "❚❚ Pause" : looksBack() ? "▶ Replay" :
    frame && page.until > 0 && frame.step >= page.until ? "▶ Go on" : "▶ Play";
  $("play").disabled = !canTrain() && !looksBack() && !page.isReplaying && !page.isLooping;
  $("seeds").disabled = !canRunSeeds() && page.seeds === null;
  $("seeds").textContent = page.seeds ? "Stop" : "Run twenty seeds";
  $("step").textContent = frame || page.seeds ? stepTold(frame) : page.isReady ? "opening…" : "loading…";
  $("scrub").max = Math.max(0, page.frames.length - 1);
  $("scrub").value = page.at;
  $("scrub").setAttribute("aria-valuetext", frame ? `step ${frame.step}` : "nothing yet");
  $("loop").setAttribute("aria-pressed", page.isLooping);
  $("loop").disabled = page.frames.length < 2;
  $("save").disabled = !frame;
  $("film").disabled = page.frames.length < 2;
  $("pin").disabled = page.frames.length < 2 && !page.pinned;
  $("pin").setAttribute("aria-pressed", page.pinned !== null);
  $("pin").textContent = page.pinned ? "Unpin" : "Pin this run";
}

function stepTold(frame) {
  if (page.until === 0)
    return "before training";
  if (page.seeds && !looksBack())
    return `seed ${page.seeds.ended.length + 1} of ${N_SEEDS}`;
  const left = secondsLeft(), rest = left > 90 ? `, ${Math.round(left / 60)} minutes left` : left > 3 ? `, ${Math.round(left)} s left` : "";
  return `step ${frame.step} of ${page.until}${rest}`;
}

function drawPressed() {
  for (const button of document.querySelectorAll("#presets button"))
    if (button.dataset.preset)
      button.setAttribute("aria-pressed", page.lesson === null && button.dataset.preset === page.preset && hasSwitchesOf(stateOf(page.preset)));
  for (const button of document.querySelectorAll("#switches button[data-key]")) {
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
      holder.append(made("button", headName(h), () => {
        page.head = h;
        show();
      }));
  }
  [...holder.children].forEach((button, h) => button.setAttribute("aria-pressed", h === headShown()));
}

function drawPredict() {
  $("predict").hidden = page.lesson !== null || hasBegun();
  for (const button of $("predict").querySelectorAll("button"))
    button.setAttribute("aria-pressed", button.dataset.guess === page.guess);
}

function drawCell(frame) {
  const T = page.shape.length, head = headShown(), {chosen} = page;
  if (!chosen) {
    tell($("cell"), CELL_HINT + SIGNS[page.state.task]);
    return;
  }
  const weight = (frame.map[head * T * T + chosen.query * T + chosen.key] / 255) ** 2;
  tell($("cell"), `${placeName(chosen.query)} gives ${placeName(chosen.key)} ${percent(weight)} of its attention.` +
    (page.shape.idle[chosen.query] ? " It has nothing to [fetch]." : ""));
}
