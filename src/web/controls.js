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
  $("switches").append(...Object.entries(SWITCHES).map(([key, switched]) => madeSwitch(key, switched)));
  $("predict").append(made("span", "Before you press play: where will a strong column appear?"));
  for (const [guess, words] of Object.entries(ANSWERS)) {
    const button = made("button", words, () => {
      page.guess = page.guess === guess ? null : guess;
      show();
    });
    button.dataset.guess = guess;
    $("predict").append(button);
  }
}

function madeSwitch(key, {title, values}) {
  const set = document.createElement("fieldset"), legend = document.createElement("legend"), row = document.createElement("div");
  legend.append(term(key, title));
  for (const [value, word] of Object.entries(values)) {
    const button = made("button", word, () => flip(key, value));
    Object.assign(button.dataset, {key, value});
    row.append(button);
  }
  set.append(legend, row);
  return set;
}

function choosePreset(name) {
  forgetSeeds();
  page.lesson = null;
  page.preset = name;
  page.state = stateOf(name);
  page.until = stepsNow();
  Object.assign(page, {guess: null, wantsPlay: false});
  open();
}

/* A switch. What has been seen to train trains again with it at once; a run that comes to be a preset's is called so. */
function flip(key, value) {
  if (page.state[key] === value)
    return;
  forgetSeeds();
  page.state[key] = value;
  if (!page.lesson)
    page.preset = presetOf(page.state) ?? page.preset;
  page.until = stepsNow();
  page.wantsPlay ||= hasBegun();
  page.guess = null;
  open();
}

/* Of a number typed: what it may be, in words and as a test. */
const NUMBERS = {
  rate: {words: "a learning rate is a number above 0, at most 1", isRight: value => value > 0 && value <= 1},
  seed: {words: "a seed is a whole number from 1 to 2147483647", isRight: value => Number.isInteger(value) && value > 0 && value < 2 ** 31},
};

/* What can't be is refused in words, and the field has what is in force. */
function chooseNumber(key) {
  const text = $(key).value, value = Number(text), {words, isRight} = NUMBERS[key];
  if (!isRight(value)) {
    $("number-told").textContent = `“${text}” is not taken: ${words}.`;
    $(key).value = page.state[key];
  } else if (page.state[key] !== value) {
    if (key !== "seed")
      forgetSeeds();
    page.state[key] = value;
    open();
  } else {
    $("number-told").textContent = "";
  }
}

function pressPlay() {
  if (page.isRunning || (page.wantsPlay && !page.isOpen))
    pause();
  else if (page.isReplaying || page.isLooping)
    stopLooking();
  else if (looksBack())
    replay();
  else if (lacksPrediction())
    askFirst();
  else
    play();
}

function startOver() {
  page.until = stepsNow();
  page.wantsPlay = false;
  open();
}

function nextSpeed() {
  page.speed = (page.speed + 1) % SPEEDS.length;
  $("speed").textContent = `Speed: ${SPEEDS[page.speed][0]}`;
  if (page.isRunning)
    play();
}

function pin() {
  page.pinned = page.pinned ? null : {frames: page.frames.slice(), until: page.until};
  show();
}

function listen() {
  const presses = {
    play: pressPlay, reset: startOver, back: () => look(page.at - 1), forth: () => look(page.at + 1), loop, speed: nextSpeed, pin,
    save: savePicture, film: saveFilm, link: copyLink, seeds: () => page.seeds ? open() : startSeeds(), "lesson-back": () => takeStep(page.lesson.at - 1),
    "lesson-next": () => isLastStep() ? leaveLesson() : takeStep(page.lesson.at + 1), "lesson-leave": leaveLesson,
  };
  for (const [id, press] of Object.entries(presses))
    $(id).addEventListener("click", press);
  $("scrub").addEventListener("input", () => look(Number($("scrub").value)));
  for (const key of Object.keys(NUMBERS))
    $(key).addEventListener("change", () => chooseNumber(key));
  listenToMap();
  listenToTerms();
  addEventListener("resize", show);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
}

function listenToMap() {
  const map = $("map");
  for (const kind of ["pointermove", "pointerdown"])
    map.addEventListener(kind, readCell);
  map.addEventListener("pointerleave", event => {
    if (event.pointerType === "mouse") { // a finger leaves with every tap
      page.chosen = null;
      show();
    }
  });
  map.addEventListener("click", pressCell);
  map.addEventListener("keydown", moveCell);
}
