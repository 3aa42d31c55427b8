import type { MethodDefinition, ServiceDefinition } from "@grpc/grpc-js";
import { votable, voteMethod } from "./emoji-list.ts";
import { type Codec, emojis, empty, foundEmoji, results, shortcodeRequest } from "./messages.ts";

function unary<Req, Res>(
  service: string,
  name: string,
  request: Codec<Req>,
  response: Codec<Res>,
): MethodDefinition<Req, Res> {
  return {
    path: `/emojivoto.v1.${service}/${name}`,
    requestStream: false,
    responseStream: false,
    requestSerialize: request.encode,
    requestDeserialize: request.decode,
    responseSerialize: response.encode,
    responseDeserialize: response.decode,
  };
}

/** `emojivoto.v1.EmojiService`. */
export const emojiService = {
  ListAll: unary("EmojiService", "ListAll", empty, emojis),
  FindByShortcode: unary("EmojiService", "FindByShortcode", shortcodeRequest, foundEmoji),
} satisfies ServiceDefinition;

/** `emojivoto.v1.VotingService`: one method per emoji, and `Results`. */
export const votingService: ServiceDefinition = {
  ...Object.fromEntries(
    votable.map((code) => [voteMethod(code), unary("VotingService", voteMethod(code), empty, empty)]),
  ),
  Results: unary("VotingService", "Results", empty, results),
};
