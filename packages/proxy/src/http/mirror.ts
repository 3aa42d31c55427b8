import type { Clock } from "@heddle/std";
import { createRequestHead, type RequestHead } from "@heddle/wire";
import type { MirrorConfig } from "../config/mirror.ts";
import { isChosen, type Runtime } from "../runtime/runtime.ts";
import type { ClusterSet } from "../upstream/cluster-set.ts";
import { sendSideRequest } from "../upstream/side-request.ts";
import { BodyBuffer } from "./body-buffer.ts";

/** Bodies beyond this are not mirrored. Units: bytes. */
const MAX_BODY = 262_144;
const TIMEOUT_MS = 15_000;
/** Answers of mirrors are read and forgotten. Units: bytes. */
const MAX_ANSWER = 16 * 1024 * 1024;

/** What mirrors need from the connection manager. */
export interface MirrorSurroundings {
  readonly clusters: ClusterSet;
  readonly clock: Clock;
  readonly random: () => number;
  readonly runtime: Runtime;
}

/** Copies of one request on their way to mirrors. */
export class RequestMirror {
  readonly #mirrors: readonly MirrorConfig[];
  readonly #head: RequestHead;
  readonly #clusters: ClusterSet;
  readonly #clock: Clock;
  readonly #body = new BodyBuffer(MAX_BODY);

  constructor(
    mirrors: readonly MirrorConfig[],
    request: RequestHead,
    around: MirrorSurroundings,
    before: BodyBuffer | undefined,
  ) {
    this.#mirrors = mirrors;
    this.#head = copyHead(request);
    this.#clusters = around.clusters;
    this.#clock = around.clock;
    for (const chunk of before?.chunks ?? []) this.#body.append(chunk, 0, chunk.length);
  }

  append(bytes: Uint8Array, start: number, end: number): void {
    this.#body.append(bytes, start, end);
  }

  /** The request is complete. */
  send(): void {
    if (this.#body.overflowed) return;
    const body = this.#body.length === 0 ? undefined : Buffer.concat(this.#body.chunks);
    for (const mirror of this.#mirrors) {
      const head = copyHead(this.#head);
      if (mirror.shadowSuffix) head.authority = shadowName(head.authority);
      const name = mirror.cluster === "" ? (head.headers.get(mirror.header) ?? "") : mirror.cluster;
      const cluster = this.#clusters.get(name);
      if (cluster === undefined) continue;
      sendSideRequest(
        { cluster, head, body, clock: this.#clock, timeoutMs: TIMEOUT_MS, maxBytes: MAX_ANSWER },
        () => undefined,
      );
    }
  }
}

/** `a:80` → `a-shadow:80`. */
function shadowName(authority: string): string {
  const colon = authority.lastIndexOf(":");
  if (colon < 0 || authority.endsWith("]")) return `${authority}-shadow`;
  return `${authority.slice(0, colon)}-shadow${authority.slice(colon)}`;
}

function copyHead(request: RequestHead): RequestHead {
  const copy = createRequestHead();
  copy.method = request.method;
  copy.authority = request.authority;
  copy.path = request.path;
  copy.scheme = request.scheme;
  copy.headers.appendAll(request.headers);
  return copy;
}

/** `before`: the part of the body that has come already; `complete`: all of it. Undefined when chance leaves out every mirror. */
export function startMirror(
  configs: readonly MirrorConfig[],
  request: RequestHead,
  around: MirrorSurroundings,
  before: BodyBuffer | undefined,
  complete: boolean,
): RequestMirror | undefined {
  // A tunnel can't be copied.
  if (request.protocol !== "" || request.method === "CONNECT") return undefined;
  const chosen = configs.filter(({ fraction }) => isChosen(around.runtime.share(fraction), around.random));
  if (chosen.length === 0) return undefined;
  const mirror = new RequestMirror(chosen, request, around, before);
  if (complete) mirror.send();
  return mirror;
}
