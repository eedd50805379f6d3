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

/* The first frame from which a value stays beyond its floor; null while none does. */
function formed(frames, values, floor) {
  for (let i = 0; i + STAY <= frames.length; i++)
    if (values.slice(i, i + STAY).every(value => value > Math.max(THRESHOLD, FLOOR_TIMES * floor)))
      return frames[i].step;
  return null;
}

const hasEnd = () => page.state.eos === "always";

/* Where the column is in a frame, by the head that is shown. */
function answer(frame = lastFrame()) {
  const head = headShown();
  const isAt = (value, floor) => finite(value) > Math.max(THRESHOLD, FLOOR_TIMES * floor);
  const isFirst = isAt(frame.sinks[head], frame.sinkFloor), isLast = hasEnd() && isAt(frame.ends[head], frame.endFloor);
  return isFirst && isLast ? "both" : isFirst ? "first" : isLast ? "last" : "none";
}

/* The newest loss as a share of the first, where a task that is learnt has next to none left; else NaN. */
function shareLeft() {
  const share = lastFrame().loss / page.frames[0].loss;
  return share > (LEARNT[page.state.task] ?? Infinity) ? share : NaN;
}

/* What formed, and whether it is worth anything. */
function said(found) {
  const share = shareLeft(), left = `the [loss] still is ${percent(share)} of what it was`;
  if (found !== "none")
    return `A sink: [idle] tokens look at ${ANSWERS[found]}.` + (Number.isNaN(share) ? "" : ` The task is not learnt yet: ${left}.`);
  return Number.isNaN(share) ? "No column formed: no sink." : `No column formed, but the task was not learnt either: ${left}. This is no cure.`;
}

/* What the frame that is looked back at shows. */
function seenAt(frame) {
  const found = answer(frame);
  return `Step ${frame.step}: ${found === "none" ? "no sink." : `[idle] tokens look at ${ANSWERS[found]}.`} ` +
    (frame.step === 0 ? "Nothing has been learnt yet." : `The [loss] is ${percent(frame.loss / page.frames[0].loss)} of its first value.`);
}

function verdict() {
  if (!page.isOpen || page.frames.length < 2)
    return "";
  if (looksBack())
    return seenAt(page.frames[page.at]);
  if (lastFrame().step < page.until)
    return page.guess ? `You expect ${page.guess === "none" ? "no strong column" : `a strong column at ${ANSWERS[page.guess]}`}.` : "";
  const found = answer();
  return page.guess ? `${said(found)} You said ${ANSWERS[page.guess]}: ${page.guess === found ? "right." : "not so."}` : said(found);
}
