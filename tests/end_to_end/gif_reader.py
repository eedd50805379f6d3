"""Reads GIF89a from its definition: what an animated picture of the page holds."""
import struct


def pictures_of(data):
    """(width, height, palette, [(delay, pixels)]) of a GIF whose pictures are as large as it is and have no palettes of their own."""
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    palette, at, delay, found = data[13:13 + 3 * (2 << (flags & 7))], 13 + 3 * (2 << (flags & 7)), 0, []

    def blocks(at):
        out = b""
        while data[at]:
            out, at = out + data[at + 1:at + 1 + data[at]], at + 1 + data[at]
        return out, at + 1

    while data[at] != 0x3b:
        if data[at] == 0x21:
            content, end = blocks(at + 2)
            delay = struct.unpack_from("<H", content, 1)[0] if data[at + 1] == 0xf9 else delay
        else:
            assert data[at] == 0x2c and struct.unpack_from("<HHHHB", data, at + 1) == (0, 0, width, height, 0), at
            content, end = blocks(at + 11)
            found.append((delay, unpacked(content, data[at + 10])))
        at = end
    assert at == len(data) - 1
    return width, height, palette, found


def unpacked(codes, least):
    """GIF's LZW, from its definition: every code is a string, the next one to be defined is the last and the first byte of this."""
    bits, at, out, clear, last = int.from_bytes(codes, "little"), 0, bytearray(), 1 << least, None
    while True:
        size = least + 1 if last is None else min(12, max(least + 1, (len(strings)).bit_length()))
        code, at = bits >> at & (1 << size) - 1, at + size
        if code == clear:
            strings, last = [bytes([i]) for i in range(clear)] + [b"", b""], None
        elif code == clear + 1:
            return bytes(out)
        else:
            string = strings[code] if code < len(strings) else last + last[:1]
            if last is not None and len(strings) < 4096:
                strings.append(last + string[:1])
            out += string
            last = string
