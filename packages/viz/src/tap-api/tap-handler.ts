import type { RemoteUser } from "./front-proxy.ts";
import { statusDocument, TAP_DOCUMENTS } from "./tap-documents.ts";
import { readTapPath, type TapQuestion, type TapRight } from "./tap-question.ts";

/** Where a watched stream is written. */
export interface TapSink {
  /** One object a line. */
  line(value: object): void;
  readonly signal: AbortSignal;
}

export interface TapHandlerDeps {
  /** Whether the cluster lets the user watch that. Errors: an Error when it can't be asked. */
  mayWatch(user: RemoteUser, right: TapRight): Promise<{ readonly allowed: boolean; readonly reason: string }>;
  /** Writes events until the sink's signal; settles when all streams have ended. Errors: an Error with a sentence. */
  watch(question: TapQuestion, sink: TapSink): Promise<void>;
}

export type TapAnswer =
  | { readonly kind: "document"; readonly status: number; readonly body: object }
  | { readonly kind: "stream"; readonly run: (sink: TapSink) => Promise<void> };

/** Streams at a time: each holds one connection per watched pod. */
const MAX_STREAMS = 64;

/**
 * Answers the tap API. The API server has asked its own authorization before; it is asked here once more, as everybody who reaches this
 * port inside the cluster would otherwise have to be trusted to be the API server.
 */
export function createTapHandler(deps: TapHandlerDeps) {
  let streams = 0;

  return async (path: string, query: URLSearchParams, user: RemoteUser | undefined): Promise<TapAnswer> => {
    const document = Object.hasOwn(TAP_DOCUMENTS, path) ? TAP_DOCUMENTS[path] : undefined;
    if (document !== undefined) return { kind: "document", status: 200, body: document };
    if (user === undefined) return refusal(401, "the request names no user; ask through the cluster's API server");
    const asked = readTapPath(path, query);
    if (asked === undefined) return refusal(404, `there is nothing at ${path}`);
    if (typeof asked === "string") return refusal(400, asked);
    const { allowed, reason } = await deps.mayWatch(user, asked.right);
    if (!allowed) return refusal(403, forbidden(user, asked.right, reason));
    if (streams >= MAX_STREAMS)
      return refusal(429, `${MAX_STREAMS} streams are open already; end one of them, or ask again later`);
    return {
      kind: "stream",
      async run(sink) {
        streams++;
        try {
          await deps.watch(asked.question, sink);
        } catch (error) {
          sink.line({ problem: error instanceof Error ? error.message : String(error) });
        } finally {
          streams--;
        }
      },
    };
  };
}

function refusal(status: number, message: string): TapAnswer {
  return { kind: "document", status, body: statusDocument(status, message) };
}

/** In Kubernetes' words. */
function forbidden(user: RemoteUser, { resource, namespace, name }: TapRight, reason: string): string {
  const what = `${resource}.tap.linkerd.io${name === "" ? "" : ` ${JSON.stringify(name)}`}`;
  const where = namespace === "" ? "at the cluster scope" : `in the namespace ${JSON.stringify(namespace)}`;
  const why = reason === "" ? "" : `: ${reason}`;
  return `${what} is forbidden: User ${JSON.stringify(user.name)} cannot watch resource "${resource}/tap" in API group "tap.linkerd.io" ${where}${why}`;
}
