import { Client, credentials, type MethodDefinition } from "@grpc/grpc-js";
import type { Emoji } from "./emoji-list.ts";
import { voteMethod } from "./emoji-list.ts";
import type { VotingResult } from "./messages.ts";
import { emojiService, votingService } from "./services.ts";

/** The two services behind the page. Calls reject with grpc-js' ServiceError. */
export interface Backends {
  listAll(): Promise<readonly Emoji[]>;
  find(shortcode: string): Promise<Emoji | undefined>;
  vote(shortcode: string): Promise<void>;
  results(): Promise<readonly VotingResult[]>;
}

const DEADLINE_MS = 10_000;

function call<Req, Res>(client: Client, method: MethodDefinition<Req, Res>, request: Req): Promise<Res> {
  return new Promise((resolve, reject) =>
    client.makeUnaryRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      { deadline: Date.now() + DEADLINE_MS },
      (error, value) => (error || value === undefined ? reject(error ?? new Error("empty answer")) : resolve(value)),
    ),
  );
}

export function connectBackends(emojiHost: string, votingHost: string): Backends {
  const emoji = new Client(emojiHost, credentials.createInsecure());
  const voting = new Client(votingHost, credentials.createInsecure());
  return {
    listAll: async () => (await call(emoji, emojiService.ListAll, {})).list,
    find: async (shortcode) => (await call(emoji, emojiService.FindByShortcode, { shortcode })).emoji,
    vote: async (shortcode) => {
      const method = votingService[voteMethod(shortcode)];
      if (!method) throw new Error(`no method to vote for ${shortcode}`);
      await call(voting, method, {});
    },
    results: async () => {
      const method = votingService["Results"];
      if (!method) throw new Error("no method Results");
      const { results } = (await call(voting, method, {})) as { results: readonly VotingResult[] };
      return results;
    },
  };
}
