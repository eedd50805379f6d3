/* The page as it is now: one drawing before each picture of the screen. */
"use strict";

const CELL_HINT = $("cell").textContent;

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
