/** What `heddle proxy request` asks, and of which of the sidecar's own ports. */
export interface AdminRequest {
  readonly method: string;
  readonly url: string;
  readonly body: string | undefined;
}

/** The admin interface, the agent's pages and the readiness port. Source: Istio `pilot-agent request`. */
const PORTS: readonly string[] = ["15000", "15020", "15021"];
/** Units: ms. Source: Istio `pilot-agent request`. */
const TIMEOUT_MS = 60_000;
const USAGE = "heddle proxy request METHOD PATH [BODY] [--debug-port 15000|15020|15021]";

/** Words and flag of `heddle proxy request`; Istio's names. Errors: what to write instead. */
export function readAdminRequest(
  words: readonly string[],
  flag: (...names: string[]) => string | undefined,
): AdminRequest | string {
  const port = flag("--debug-port") ?? "15000";
  if (!PORTS.includes(port))
    return `--debug-port ${JSON.stringify(port)} is none of ${PORTS.join(", ")}; usage: ${USAGE}`;
  const [method, path, body] = withoutFlag(words);
  if (method === undefined || path === undefined) return `a method and a path are needed; usage: ${USAGE}`;
  if (!/^[A-Za-z]+$/.test(method)) return `${JSON.stringify(method)} is no method; usage: ${USAGE}`;
  return { method: method.toUpperCase(), url: `http://127.0.0.1:${port}/${path.replace(/^\/+/, "")}`, body };
}

function withoutFlag(words: readonly string[]): readonly string[] {
  const at = words.indexOf("--debug-port");
  const kept = at < 0 ? words : [...words.slice(0, at), ...words.slice(at + 2)];
  return kept.filter((word) => !word.startsWith("--debug-port="));
}

/**
 * Asks, and hands on the answer as it is: scripts read it. Gives undefined, or why there is no answer to be content with.
 * Errors: the sidecar doesn't listen there, or its status is no 2xx.
 */
export async function requestAdmin(
  { method, url, body }: AdminRequest,
  print: (bytes: Uint8Array) => void,
): Promise<string | undefined> {
  try {
    const answer = await fetch(url, {
      method,
      ...(body === undefined ? {} : { body }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const bytes = new Uint8Array(await answer.arrayBuffer());
    if (!answer.ok) return `${method} ${url} answered ${answer.status}: ${new TextDecoder().decode(bytes).trim()}`;
    print(bytes);
    return undefined;
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    return `${method} ${url} failed: ${cause}; is this the sidecar's container, and has its proxy started?`;
  }
}
