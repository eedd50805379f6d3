/* The lesson under way: where its reader is, and what was said before a run, held against what came of it. */
"use strict";

const UNSAID = "I would rather not guess", NO_COLUMN = "no column";

const stepNow = () => LESSON[page.lesson.at];
const stateOfStep = ({preset, changes}) => ({...stateOf(preset), ...changes});
const isOfStep = () => hasSwitchesOf(stateOfStep(stepNow())) && page.state.rate === stateOfStep(stepNow()).rate;
const hasBegun = () => page.frames.length > 1;

/* Steps of the next run: of the lesson's step where this is its run, which may have none; else of the preset. */
const stepsNow = () => (page.lesson && isOfStep() ? stepNow().steps : null) ?? PRESETS[page.preset].steps;

/* At a step of which nothing is said yet. */
const newLesson = at => ({at, said: null, columns: [], isAsked: false});

/* Goes to a step: its run is opened. */
function takeStep(at) {
  const step = LESSON[at];
  forgetSeeds();
  page.lesson = newLesson(at);
  page.preset = step.preset;
  page.state = stateOfStep(step);
  page.until = stepsNow();
  Object.assign(page, {guess: null, wantsPlay: false});
  open();
  drawLesson(); // its heading is shown, and is where keys go on from
  $("lesson-title").focus();
  $("lesson").scrollIntoView({block: "nearest"});
}

const isLastStep = () => page.lesson.at === LESSON.length - 1;

function leaveLesson() {
  page.lesson = null;
  choosePreset(page.preset);
  draw(); // a button that is disabled or hidden takes no focus
  $("play").focus();
}

/* ---- what is said beforehand ---- */

/* Whether the reader is to say something before this run: a step's first, unless its switches were changed. */
function lacksPrediction() {
  const {lesson} = page;
  return lesson !== null && lesson.said === null && !hasBegun() && isOfStep();
}

function askFirst() {
  page.lesson.isAsked = true;
  show();
}

function say(words) {
  const {lesson} = page, goesOn = lesson.isAsked && words === UNSAID;
  Object.assign(lesson, {said: words, columns: []});
  if (goesOn) {
    $("play").focus(); // the pressed button goes
    play();
  }
  show();
}

const takesColumns = () => page.lesson !== null && page.shape !== null && "where" in stepNow() && !hasBegun() && isOfStep();

/* A column of the map in which the reader expects the sink, or no longer: two where there is a last token, else one. */
function expectColumn(key) {
  const {lesson} = page, others = lesson.columns.filter(each => each !== key);
  lesson.columns = others.length < lesson.columns.length ? others : [...others, key].slice(hasEnd() ? -2 : -1).sort((a, b) => a - b);
  lesson.said = lesson.columns.map(placeName).join(" and ") || null;
  show();
}

/* The columns that a prediction stands for, in the lesson or by the buttons over the map. */
function columnsGuessed() {
  return page.lesson ? page.lesson.columns : columnsOf(page.guess);
}

/* ---- what came ---- */

const columnsOf = where => ({first: [0], last: [page.shape.length - 1], both: [0, page.shape.length - 1]})[where] ?? [];

function isRight(step, said) {
  return "where" in step ? String(page.lesson.columns) === String(columnsOf(answer())) : said === step.choices[step.right];
}

/* The prediction against what came. */
function heldAgainst(step, said) {
  if (said === UNSAID)
    return "";
  const places = columnsOf(answer()).map(placeName).join(" and "), came = "where" in step && places ? ` It came at ${places}.` : "";
  return `You said ${said}. ${isRight(step, said) ? "Right." : `Not so.${came}`} `;
}

function readingOf(step) {
  const {said} = page.lesson;
  if (!isOfStep())
    return "You changed a switch or the learning rate, so this is another run than this step's. Turn it back to go on with the step.";
  if (said === null)
    return "";
  if (page.isOpen && lastFrame().step >= page.until)
    return heldAgainst(step, said) + step.reading;
  return hasBegun() || page.wantsPlay ? "" : (said === UNSAID ? "" : `You say ${said}. `) + "Now press Play.";
}

/* ---- showing ---- */

function drawChoices(step) {
  const {at, said} = page.lesson, holder = $("lesson-choices");
  if (holder.dataset.at !== String(at)) {
    holder.dataset.at = at;
    holder.replaceChildren(...[...(step.choices ?? [NO_COLUMN]), UNSAID].map(words => made("button", words, () => say(words))));
  }
  holder.hidden = hasBegun() && said !== null;
  for (const button of holder.children)
    button.setAttribute("aria-pressed", said === button.textContent);
}

/* The question, and how it is answered while it can be. */
function questionOf(step, isAwaited) {
  if (hasBegun() && page.lesson.said !== null)
    return step.asks;
  const how = takesColumns() ? ` Click ${hasEnd() ? "one or two columns" : "a column"} of the map, or go there by arrow keys and press Enter.` : "";
  return `${isAwaited ? "Before it trains, say what you expect." : "Predict first:"} ${step.asks}${how}`;
}

function drawLesson() {
  const {lesson} = page;
  $("lesson").hidden = lesson === null;
  $("teach").setAttribute("aria-pressed", lesson !== null);
  $("told").hidden = lesson !== null;
  $("page").classList.toggle("taught", lesson !== null);
  $("page").classList.toggle("untrained", page.until === 0);
  const isAwaited = lesson !== null && lesson.isAsked && lacksPrediction();
  $("lesson").classList.toggle("asked", isAwaited);
  $("map").classList.toggle("asked", isAwaited && takesColumns());
  $("map").classList.toggle("aimed", takesColumns());
  if (lesson === null)
    return;
  const step = stepNow();
  tell($("lesson-title"), `Step ${lesson.at + 1} of ${LESSON.length}: ${step.title}`);
  tell($("lesson-text"), step.text);
  tell($("lesson-asks"), questionOf(step, isAwaited));
  drawChoices(step);
  tell($("lesson-reading"), readingOf(step));
  $("lesson-back").disabled = lesson.at === 0;
  $("lesson-next").textContent = isLastStep() ? "Try it yourself" : "Next step";
  $("lesson-leave").hidden = isLastStep();
}
