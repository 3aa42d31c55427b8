import type { MethodDefinition } from "@grpc/grpc-js";
import { type Emoji, VOTABLE_EMOJI, voteMethod } from "./emoji-table.ts";
import { intField, messageField, readFields, readInt, readMessages, readText, textField } from "./protobuf.ts";

/** How often one emoji was voted for. */
export interface VotingResult {
  readonly shortcode: string;
  readonly votes: number;
}

/** The empty messages: `VoteRequest`, `VoteResponse`, `ResultsRequest`, `ListAllEmojiRequest`. */
export type Nothing = Readonly<Record<never, never>>;

/** `FindByShortcodeResponse`. */
export interface Found {
  readonly emoji: Emoji | undefined;
}

interface Codec<T> {
  encode(value: T): Buffer;
  decode(bytes: Buffer): T;
}

const nothing: Codec<Nothing> = { encode: () => Buffer.alloc(0), decode: () => ({}) };

const encodeEmoji = (emoji: Emoji) => Buffer.concat([textField(1, emoji.unicode), textField(2, emoji.shortcode)]);
const decodeEmoji = (bytes: Uint8Array): Emoji => {
  const fields = readFields(bytes);
  return { unicode: readText(fields, 1), shortcode: readText(fields, 2) };
};

const emojiList: Codec<readonly Emoji[]> = {
  encode: (list) => Buffer.concat(list.map((emoji) => messageField(1, encodeEmoji(emoji)))),
  decode: (bytes) => readMessages(readFields(bytes), 1).map(decodeEmoji),
};
const shortcode: Codec<string> = {
  encode: (value) => Buffer.from(textField(1, value)),
  decode: (bytes) => readText(readFields(bytes), 1),
};
const foundEmoji: Codec<Found> = {
  encode: ({ emoji }) => (emoji === undefined ? Buffer.alloc(0) : Buffer.from(messageField(1, encodeEmoji(emoji)))),
  decode: (bytes) => ({ emoji: readMessages(readFields(bytes), 1).map(decodeEmoji).at(-1) }),
};
const results: Codec<readonly VotingResult[]> = {
  encode: (list) =>
    Buffer.concat(
      list.map((result) => messageField(1, Buffer.concat([textField(1, result.shortcode), intField(2, result.votes)]))),
    ),
  decode: (bytes) =>
    readMessages(readFields(bytes), 1).map((message) => {
      const fields = readFields(message);
      return { shortcode: readText(fields, 1), votes: readInt(fields, 2) };
    }),
};

function unary<Q, R>(service: string, name: string, request: Codec<Q>, response: Codec<R>): MethodDefinition<Q, R> {
  return {
    path: `/${service}/${name}`,
    requestStream: false,
    responseStream: false,
    requestSerialize: request.encode,
    requestDeserialize: request.decode,
    responseSerialize: response.encode,
    responseDeserialize: response.decode,
    originalName: name,
  };
}

export const EMOJI_SERVICE_NAME = "emojivoto.v1.EmojiService";
export const VOTING_SERVICE_NAME = "emojivoto.v1.VotingService";

export const EMOJI_SERVICE = {
  ListAll: unary(EMOJI_SERVICE_NAME, "ListAll", nothing, emojiList),
  FindByShortcode: unary(EMOJI_SERVICE_NAME, "FindByShortcode", shortcode, foundEmoji),
};

export const RESULTS = unary(VOTING_SERVICE_NAME, "Results", nothing, results);

/** One method for each emoji, by shortcode. */
export const VOTES: ReadonlyMap<string, MethodDefinition<Nothing, Nothing>> = new Map(
  VOTABLE_EMOJI.map((emoji) => [
    emoji.shortcode,
    unary(VOTING_SERVICE_NAME, voteMethod(emoji.shortcode), nothing, nothing),
  ]),
);
