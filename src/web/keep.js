/* What a reader takes along: a picture, an animated one, a link. */
"use strict";

function saveAs(name, url) {
  const link = document.createElement("a");
  link.download = `sink-${page.preset}-seed${page.state.seed}${name}`;
  link.href = url;
  link.click();
}

/* The map, and below it what it is of. */
function savePicture() {
  const map = $("map"), frame = page.frames[page.at], line = 34 * devicePixelRatio;
  const picture = Object.assign(document.createElement("canvas"), {width: map.width, height: map.height + line}), context = picture.getContext("2d");
  context.fillStyle = colour("--paper");
  context.fillRect(0, 0, picture.width, picture.height);
  context.drawImage(map, 0, 0);
  Object.assign(context, {fillStyle: colour("--text"), font: `${13 * devicePixelRatio}px ${colour("--font")}`, textBaseline: "middle"});
  context.fillText(`step ${frame.step}, first token ${percent(sinkOf(frame))}, ${Object.keys(SWITCHES).filter(key => key !== "goals" || page.state.task === "fetch")
    .map(key => SWITCHES[key].values[page.state[key]]).join(", ")}, seed ${page.state.seed}`, 6, map.height + line / 2, picture.width - 12);
  saveAs(`-step${frame.step}.png`, picture.toDataURL("image/png"));
}

/* Of what has been trained so far. */
function saveFilm() {
  const url = URL.createObjectURL(new Blob([film(page.shape, page.frames, headShown(), sinkOf)], {type: "image/gif"}));
  saveAs(".gif", url);
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}

async function copyLink() {
  writeLink();
  try {
    await navigator.clipboard.writeText(location.href);
    $("link").textContent = "Copied";
  } catch {
    $("link").textContent = "It is in the address bar";
  }
  setTimeout(() => $("link").textContent = "Copy link", 1500);
}
