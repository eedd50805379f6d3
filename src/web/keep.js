/* What a reader takes along: a picture, an animated one, a link. */
"use strict";

function saveAs(name, url) {
  const link = document.createElement("a");
  link.download = `sink-${page.preset}-seed${page.state.seed}${name}`;
  link.href = url;
  link.click();
}

function savePicture() {
  saveAs(`-step${page.frames[page.at]?.step ?? 0}.png`, $("map").toDataURL("image/png"));
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
