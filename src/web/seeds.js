/* Twenty seeds of one setting, one after another, and how many of them formed a sink. */
"use strict";

const N_SEEDS = 20;

function nextSeed() {
  const seed = page.seeds.ended.length + 1;
  page.worker.postMessage({kind: "whole", id: page.id, settings: settingsOf({...page.state, seed}), until: page.until, every: every(), seed});
}

/* Their runs wait for the module, as a single one need not. */
const canRunSeeds = () => page.isReady && canTrain();

/* What is shown of seeds is of one setting. */
function forgetSeeds() {
  $("strip").replaceChildren();
  $("seeds-told").textContent = "";
}

function startSeeds() {
  if (!canRunSeeds())
    return;
  pause();
  page.id++; // what is still on its way is of what was before
  page.isOpen = false;
  forgetSeeds();
  page.seeds = {ended: []};
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
  $("seeds-told").textContent = `${n < N_SEEDS ? `${n} of ${N_SEEDS} done. ` : ""}A first-token sink formed in ${k} of ${n} seeds (95 % interval: ` +
    `${percent(Math.max(0, middle - half))} to ${percent(Math.min(1, middle + half))}). Each number is the step at which it formed.`;
}
