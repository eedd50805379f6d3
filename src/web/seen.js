/* What is seen of a run: whether a sink has formed, where, and in which head. */
"use strict";

const THRESHOLD = 0.3, FLOOR_TIMES = 3, STAY = 3; // when a sink has formed: refframe's rule for sink_mass

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

const isBeyond = (value, floor) => finite(value) > Math.max(THRESHOLD, FLOOR_TIMES * floor);

/* The first frame from which a value stays beyond its floor; null while none does. */
function formed(frames, values, floor) {
  for (let i = 0; i + STAY <= frames.length; i++)
    if (values.slice(i, i + STAY).every(value => isBeyond(value, floor)))
      return frames[i].step;
  return null;
}

const hasEnd = () => page.state.eos === "always";

const FEWEST = 4; // idle tokens that must see a column, or it is none

/* The place, neither the first nor a marked last one, on which idle tokens rest: it draws most of them in the mean, and more than
   THRESHOLD; null where there is none. */
function placeBetween(frame, head) {
  const {length: T, idle} = page.shape, isCausal = page.state.mask === "causal", {map} = frame;
  let best = null, most = THRESHOLD;
  for (let key = 1; key < T - (hasEnd() ? 1 : 0); key++) {
    const queries = Array.from({length: T}, (_, i) => i).filter(i => idle[i] && (!isCausal || i > key));
    const mean = queries.reduce((sum, i) => sum + (map[head * T * T + i * T + key] / 255) ** 2, 0) / queries.length;
    if (queries.length >= FEWEST && mean > most)
      [best, most] = [key, mean];
  }
  return best;
}

/* Where the column is in a frame, by the head that is shown: one of ANSWERS, or "between" the ends. */
function answer(frame = lastFrame()) {
  const head = headShown();
  const isFirst = isBeyond(frame.sinks[head], frame.sinkFloor), isLast = hasEnd() && isBeyond(frame.ends[head], frame.endFloor);
  if (isFirst || isLast)
    return isFirst && isLast ? "both" : isFirst ? "first" : "last";
  return placeBetween(frame, head) === null ? "none" : "between";
}

/* What idle tokens look at, in words. */
const wordsOf = (found, frame) => found === "between" ? placeName(placeBetween(frame, headShown())) : ANSWERS[found];

const headName = head => `layer ${Math.floor(head / page.shape.headsEach)}, head ${head % page.shape.headsEach}`;

/* Whose verdict it is, where there are several heads. */
const ofHead = () => page.shape.nHeads > 1 ? `In ${headName(headShown())}: ` : "";

/* The newest loss as a share of the first, where a task that is learnt has next to none left; else NaN. */
function shareLeft() {
  const share = lastFrame().loss / page.frames[0].loss;
  return share > (LEARNT[page.state.task] ?? Infinity) ? share : NaN;
}

/* What formed, and whether it is worth anything. */
function said(found) {
  const share = shareLeft(), isLearnt = Number.isNaN(share), left = `the [loss] still is ${percent(share)} of what it was`;
  if (found !== "none")
    return `${ofHead()}A sink: [idle] tokens look at ${wordsOf(found, lastFrame())}.` + (isLearnt ? "" : ` The task is not learnt yet: ${left}.`);
  if (isLearnt)
    return `${ofHead()}No column formed: no sink.`;
  return `${ofHead()}No column formed, but the task was not learnt either: ${left}. This is no cure.`;
}

/* What the frame that is looked back at shows. */
function seenAt(frame) {
  const found = answer(frame);
  return `Step ${frame.step}: ${ofHead()}${found === "none" ? "no sink." : `idle tokens look at ${wordsOf(found, frame)}.`} ` +
    (frame.step === 0 ? "Nothing has been learnt yet." : `The loss is ${percent(frame.loss / page.frames[0].loss)} of its first value.`);
}

function verdict() {
  if (!page.shape || page.frames.length < 2)
    return "";
  if (looksBack())
    return seenAt(page.frames[page.at]);
  if (!page.isOpen || lastFrame().step < page.until)
    return page.guess ? `You expect ${page.guess === "none" ? "no strong column" : `a strong column at ${ANSWERS[page.guess]}`}.` : "";
  const found = answer();
  return page.guess ? `${said(found)} You said ${ANSWERS[page.guess]}: ${page.guess === found ? "right." : "not so."}` : said(found);
}
