/* What the page is: the run that is shown or comes next, and the link that holds it. Nothing is drawn here. */
"use strict";

const $ = id => document.getElementById(id);
const isStill = matchMedia("(prefers-reduced-motion: reduce)");

const page = {
  worker: null, isReady: false, id: 0,
  preset: "sink", state: null, until: 600, // what the next run is
  shape: null, frames: [], at: 0, isRunning: false, isOpen: false, isLate: false, wantsPlay: false, since: {time: 0, step: 0},
  head: null, chosen: null, guess: null, pinned: null, speed: 0, isLooping: false, isReplaying: false, seeds: null, lesson: null, trouble: "",
};

function stateOf(preset) {
  const {task, state} = PRESETS[preset];
  return {task, ...state, rate: RATES[task], seed: 1};
}

/* Whether a run is this one, but for its seed and learning rate. */
const hasSwitchesOf = state => ["task", ...Object.keys(SWITCHES)].every(key => page.state[key] === state[key]);

function readLink() {
  const given = new URLSearchParams(location.hash.slice(1)), preset = given.get("preset");
  page.preset = Object.hasOwn(PRESETS, preset) ? preset : "sink";
  page.state = stateOf(page.preset);
  for (const [key, {values}] of Object.entries(SWITCHES))
    if (Object.hasOwn(values, given.get(key)))
      page.state[key] = given.get(key);
  page.preset = presetOf(page.state) ?? page.preset;
  for (const [key, {isRight}] of Object.entries(NUMBERS))
    if (isRight(Number(given.get(key))))
      page.state[key] = Number(given.get(key));
  if (LESSON[given.get("lesson") - 1]) // a step, counted as its heading does
    page.lesson = newLesson(given.get("lesson") - 1);
  page.until = stepsNow();
}

function writeLink() {
  const usual = stateOf(page.preset), words = new URLSearchParams({preset: page.preset});
  for (const key of [...Object.keys(SWITCHES), "rate", "seed"])
    if (page.state[key] !== usual[key])
      words.set(key, page.state[key]);
  if (page.lesson)
    words.set("lesson", page.lesson.at + 1);
  history.replaceState(null, "", "#" + words);
}
