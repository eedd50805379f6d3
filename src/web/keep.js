/* What a reader takes along: a picture, an animated one, a link. */
"use strict";

function saveAs(name, url) {
  const link = document.createElement("a");
  link.download = `sink-${page.preset}-seed${page.state.seed}${name}`;
  link.href = url;
  link.click();
}

/* Of a frame: what the head that is shown gives the first token. */
function sinkWords(frame) {
  const head = headShown(), share = frame.sinks[head];
  return (page.shape.nHeads > 1 ? `${headName(head)}, ` : "") + (Number.isFinite(share) ? `first token ${percent(share)}` : "idle rows are empty");
}

/* The switches, seed and learning rate, in words. */
function settingWords() {
  const keys = Object.keys(SWITCHES).filter(key => key !== "goals" || page.state.task === "fetch");
  return `${keys.map(key => SWITCHES[key].values[page.state[key]]).join(", ")}, rate ${page.state.rate}, seed ${page.state.seed}`;
}

/* The map, and below it what it is of. */
function savePicture() {
  const map = $("map"), frame = page.frames[page.at], ratio = devicePixelRatio || 1, line = 20 * ratio;
  const picture = Object.assign(document.createElement("canvas"), {width: map.width, height: map.height + 2 * line + 6 * ratio});
  const context = picture.getContext("2d");
  context.fillStyle = colour("--paper");
  context.fillRect(0, 0, picture.width, picture.height);
  context.drawImage(map, 0, 0);
  Object.assign(context, {fillStyle: colour("--text"), font: `${13 * ratio}px ${colour("--font")}`, textBaseline: "middle"});
  for (const [i, words] of [`step ${frame.step}: ${sinkWords(frame)}`, settingWords()].entries())
    context.fillText(words, 6 * ratio, map.height + (i + 0.5) * line, picture.width - 12 * ratio);
  saveAs(`-step${frame.step}.png`, picture.toDataURL("image/png"));
}

/* Of what has been trained so far. */
function saveFilm() {
  const url = URL.createObjectURL(new Blob([film(page.shape, page.frames, headShown(), sinkWords)], {type: "image/gif"}));
  saveAs(".gif", url);
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}

let copied = 0; // the timer of its words

async function copyLink() {
  writeLink();
  try {
    await navigator.clipboard.writeText(location.href);
    $("link").textContent = "Copied";
  } catch {
    $("link").textContent = "It is in the address bar";
  }
  clearTimeout(copied);
  copied = setTimeout(() => $("link").textContent = "Copy link", 1500);
}
