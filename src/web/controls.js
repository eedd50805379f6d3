/* Buttons, switches and fields: made, listened to, and what they set. */
"use strict";

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
