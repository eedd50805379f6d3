/* An animated picture: GIF89a (CompuServe 1990), one palette of 256 colours for all frames, LZW of at most 12 bits (Welch 1984). */
"use strict";

const GIF_CLEAR = 256, GIF_END = 257, GIF_CODES = 4096;

/* Codes of 9 to 12 bits, the lowest bit first. */
function packCodes() {
  const bytes = [];
  let bits = 0, count = 0;
  return {
    bytes,
    put(code, size) {
      bits |= code << count;
      for (count += size; count >= 8; count -= 8, bits >>>= 8)
        bytes.push(bits & 255);
    },
    end() {
      if (count > 0)
        bytes.push(bits & 255);
    },
  };
}

/* The codes of a picture's bytes. `table` is room for the work: by code and byte the code of both together, 0 for none yet. */
function lzw(pixels, table) {
  const packed = packCodes();
  let size = 9, next = GIF_END + 1, prefix = pixels[0];
  table.fill(0);
  packed.put(GIF_CLEAR, size);
  for (let i = 1; i < pixels.length; i++) {
    const both = prefix << 8 | pixels[i];
    if (table[both] > 0) {
      prefix = table[both];
      continue;
    }
    packed.put(prefix, size);
    prefix = pixels[i];
    if (next < GIF_CODES) {
      size += next >= 1 << size;
      table[both] = next++;
      continue;
    }
    packed.put(GIF_CLEAR, size);
    table.fill(0);
    size = 9, next = GIF_END + 1;
  }
  packed.put(prefix, size);
  packed.put(GIF_END, size);
  packed.end();
  return packed.bytes;
}

/* `palette`: 256 colours of three bytes; `frames`: [{pixels: bytes of width times height, delay: hundredths of a second}]. Bytes. */
function gif(width, height, palette, frames) {
  const table = new Int16Array(GIF_CODES << 8);
  const two = n => [n & 255, n >> 8], out = [...new TextEncoder().encode("GIF89a"), ...two(width), ...two(height), 0xf7, 0, 0, ...palette];
  out.push(0x21, 0xff, 11, ...new TextEncoder().encode("NETSCAPE2.0"), 3, 1, 0, 0, 0); // again and again
  for (const {pixels, delay} of frames) {
    out.push(0x21, 0xf9, 4, 0, ...two(delay), 0, 0, 0x2c, 0, 0, 0, 0, ...two(width), ...two(height), 0, 8);
    const bytes = lzw(pixels, table);
    for (let at = 0; at < bytes.length; at += 255) {
      const block = bytes.slice(at, at + 255);
      out.push(block.length, ...block);
    }
    out.push(0);
  }
  out.push(0x3b);
  return Uint8Array.from(out);
}

/* ---- of a run ---- */

const FILM_SIDE = 320, FILM_CAPTION = 30, FILM_MOST = 100, RAMP = 200, GREYS = 32; // pixels; frames; the map's colours, and the caption's
const FILM_DELAY = 7, FILM_REST = 200;

function filmPalette() {
  const bytes = new Uint8Array(768), mix = (low, high, first, n) => {
    for (let i = 0; i < n; i++)
      for (let c = 0; c < 3; c++)
        bytes[3 * (first + i) + c] = Math.round(low[c] + (high[c] - low[c]) * i / (n - 1));
  };
  mix(channels(colour("--map-low")), channels(colour("--map-high")), 0, RAMP);
  mix(channels(colour("--paper")), channels(colour("--text")), RAMP, GREYS);
  return bytes;
}

/* A line of text as shades of the caption's colours. */
function drawCaption(context, text, width, pixels, first) {
  context.clearRect(0, 0, width, FILM_CAPTION);
  context.fillText(text, 6, FILM_CAPTION / 2);
  const {data} = context.getImageData(0, 0, width, FILM_CAPTION);
  for (let i = 0; i < width * FILM_CAPTION; i++)
    pixels[first + i] = RAMP + Math.round(data[4 * i + 3] / 255 * (GREYS - 1));
}

/* The map of one head through training, every frame with its step and what `say` says of it: bytes of a GIF. */
function film(shape, frames, head, say) {
  const T = shape.length, cell = Math.max(1, Math.floor(FILM_SIDE / T)), side = T * cell, n = Math.min(frames.length, FILM_MOST);
  const context = Object.assign(document.createElement("canvas"), {width: side, height: FILM_CAPTION}).getContext("2d", {willReadFrequently: true});
  Object.assign(context, {font: `15px ${colour("--font")}`, textBaseline: "middle"});
  const pictures = [];
  for (let f = 0; f < n; f++) {
    const frame = frames[n > 1 ? Math.round(f * (frames.length - 1) / (n - 1)) : 0], pixels = new Uint8Array(side * (side + FILM_CAPTION));
    for (let y = 0; y < side; y++)
      for (let x = 0; x < side; x++)
        pixels[y * side + x] = Math.round(frame.map[head * T * T + Math.floor(y / cell) * T + Math.floor(x / cell)] / 255 * (RAMP - 1));
    drawCaption(context, `step ${frame.step}   ${say(frame)}`, side, pixels, side * side);
    pictures.push({pixels, delay: f === n - 1 ? FILM_REST : FILM_DELAY});
  }
  return gif(side, side + FILM_CAPTION, filmPalette(), pictures);
}
