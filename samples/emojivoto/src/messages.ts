import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import type { Emoji } from "./emoji-list.ts";

/** How a message becomes bytes and back. Package `emojivoto.v1`; field numbers as published. */
export interface Codec<T> {
  encode(message: T): Buffer;
  decode(bytes: Uint8Array): T;
}

/** Calls `read` for each field; fields that it does not take are skipped. */
function eachField(bytes: Uint8Array, read: (field: number, reader: BinaryReader) => boolean): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    if (!read(field, reader)) reader.skip(wire);
  }
}

const finish = (writer: BinaryWriter) => Buffer.from(writer.finish());

export const empty: Codec<object> = { encode: () => Buffer.alloc(0), decode: () => ({}) };

const emoji: Codec<Emoji> = {
  encode: (e) => finish(new BinaryWriter().tag(1, 2).string(e.unicode).tag(2, 2).string(e.shortcode)),
  decode: (bytes) => {
    let unicode = "";
    let shortcode = "";
    eachField(bytes, (field, reader) => {
      if (field === 1) unicode = reader.string();
      else if (field === 2) shortcode = reader.string();
      else return false;
      return true;
    });
    return { unicode, shortcode };
  },
};

/** `ListAllEmojiResponse`. */
export const emojis: Codec<{ readonly list: readonly Emoji[] }> = {
  encode: ({ list }) => {
    const writer = new BinaryWriter();
    for (const e of list) writer.tag(1, 2).bytes(emoji.encode(e));
    return finish(writer);
  },
  decode: (bytes) => {
    const list: Emoji[] = [];
    eachField(bytes, (field, reader) => field === 1 && list.push(emoji.decode(reader.bytes())) > 0);
    return { list };
  },
};

/** `FindByShortcodeRequest`. */
export const shortcodeRequest: Codec<{ readonly shortcode: string }> = {
  encode: ({ shortcode }) => finish(new BinaryWriter().tag(1, 2).string(shortcode)),
  decode: (bytes) => {
    let shortcode = "";
    eachField(bytes, (field, reader) => {
      if (field !== 1) return false;
      shortcode = reader.string();
      return true;
    });
    return { shortcode };
  },
};

/** `FindByShortcodeResponse`; an unknown shortcode is an answer without an emoji. */
export const foundEmoji: Codec<{ readonly emoji: Emoji | undefined }> = {
  encode: (m) => (m.emoji ? finish(new BinaryWriter().tag(1, 2).bytes(emoji.encode(m.emoji))) : Buffer.alloc(0)),
  decode: (bytes) => {
    let found: Emoji | undefined;
    eachField(bytes, (field, reader) => {
      if (field !== 1) return false;
      found = emoji.decode(reader.bytes());
      return true;
    });
    return { emoji: found };
  },
};

export interface VotingResult {
  readonly shortcode: string;
  readonly votes: number;
}

/** `ResultsResponse`. */
export const results: Codec<{ readonly results: readonly VotingResult[] }> = {
  encode: (m) => {
    const writer = new BinaryWriter();
    for (const r of m.results) writer.tag(1, 2).fork().tag(1, 2).string(r.shortcode).tag(2, 0).int32(r.votes).join();
    return finish(writer);
  },
  decode: (bytes) => {
    const all: VotingResult[] = [];
    eachField(bytes, (field, reader) => {
      if (field !== 1) return false;
      let shortcode = "";
      let votes = 0;
      eachField(reader.bytes(), (f, inner) => {
        if (f === 1) shortcode = inner.string();
        else if (f === 2) votes = inner.int32();
        else return false;
        return true;
      });
      all.push({ shortcode, votes });
      return true;
    });
    return { results: all };
  },
};
