import { type Client, type Metadata, type MethodDefinition, type ServiceError, status } from "@grpc/grpc-js";
import { EMOJI_SERVICE, RESULTS, VOTES } from "./services.ts";

/** An answer of the API: JSON, or nothing. */
export interface ApiAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** The three calls that the page makes. `trace`: headers of the request that go on to the services. */
export interface WebApi {
  list(trace: Metadata): Promise<ApiAnswer>;
  vote(choice: string, trace: Metadata): Promise<ApiAnswer>;
  leaderboard(trace: Metadata): Promise<ApiAnswer>;
}

const CALL_TIMEOUT_MS = 30_000;

/** `emoji` and `voting` are channels to the two services. */
export function createWebApi(deps: { readonly emoji: Client; readonly voting: Client }): WebApi {
  const { emoji, voting } = deps;
  return {
    list: (trace) =>
      guarded(async () =>
        ok(
          (await call(emoji, EMOJI_SERVICE.ListAll, {}, trace)).map(({ shortcode, unicode }) => ({
            shortcode,
            unicode,
          })),
        ),
      ),
    vote: (choice, trace) =>
      guarded(async () => {
        if (choice === "") return wrong(400, `Emoji choice [${choice}] is mandatory`);
        const found = await call(emoji, EMOJI_SERVICE.FindByShortcode, choice, trace);
        if (found.emoji === undefined) return wrong(400, `Choosen emoji shortcode [${choice}] doesnt exist`);
        const method = VOTES.get(choice);
        if (method !== undefined) await call(voting, method, {}, trace);
        return { status: 200, body: undefined };
      }),
    leaderboard: (trace) =>
      guarded(async () => {
        const rows: { readonly shortcode: string; readonly unicode: string; readonly votes: string }[] = [];
        for (const result of await call(voting, RESULTS, {}, trace)) {
          const found = await call(emoji, EMOJI_SERVICE.FindByShortcode, result.shortcode, trace);
          rows.push({
            shortcode: found.emoji?.shortcode ?? result.shortcode,
            unicode: found.emoji?.unicode ?? "",
            votes: String(result.votes),
          });
        }
        return ok(rows);
      }),
  };
}

async function guarded(work: () => Promise<ApiAnswer>): Promise<ApiAnswer> {
  try {
    return await work();
  } catch (error) {
    return wrong(500, error instanceof Error ? error.message : String(error));
  }
}

function ok(body: unknown): ApiAnswer {
  return { status: 200, body };
}

function wrong(code: number, error: string): ApiAnswer {
  return { status: code, body: { error } };
}

function call<Q, R>(client: Client, method: MethodDefinition<Q, R>, request: Q, trace: Metadata): Promise<R> {
  return new Promise((resolve, reject) => {
    const options = { deadline: Date.now() + CALL_TIMEOUT_MS };
    client.makeUnaryRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      trace,
      options,
      (error, response) => {
        if (error !== null) reject(new Error(goStyle(error)));
        else if (response === undefined) reject(new Error("the answer is empty"));
        else resolve(response);
      },
    );
  });
}

/** As Go prints a gRPC error: `rpc error: code = Unknown desc = ERROR`. */
function goStyle(error: ServiceError): string {
  const words = (status[error.code] ?? "UNKNOWN").toLowerCase().split("_");
  const name = words.map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join("");
  return `rpc error: code = ${name} desc = ${error.details}`;
}
