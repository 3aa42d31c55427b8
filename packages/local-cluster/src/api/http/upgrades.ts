import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Authenticator } from "../auth/authenticator.ts";
import { badRequest, noSuchPath } from "../errors/api-errors.ts";
import type { PodStreaming } from "../pods/pod-streaming.ts";
import { refuseUpgrade } from "../pods/pod-streaming.ts";
import type { Actor } from "../write/write-request.ts";
import { type Head, readHead } from "./front.ts";

export interface UpgradesDeps {
  readonly authenticator: Authenticator;
  readonly streaming: PodStreaming;
  /** Errors: 403. */
  authorize(actor: Actor, head: Head): Actor;
}

const KINDS = ["exec", "attach", "portforward"] as const;

/** Connections that leave HTTP: exec, attach and port-forward of pods. */
export function createUpgrades(
  deps: UpgradesDeps,
): (request: IncomingMessage, socket: Duplex, head: Uint8Array) => void {
  async function serve(request: IncomingMessage, socket: Duplex, rest: Uint8Array): Promise<void> {
    const head = readHead(request);
    deps.authorize(await deps.authenticator.authenticate(head.headers), head);
    const { info, method, query, headers } = head;
    if (info.kind !== "resource" || info.group !== "" || info.resource !== "pods") throw noSuchPath();
    const kind = KINDS.find((name) => name === info.subresource);
    if (!kind) throw badRequest(`${info.subresource === "" ? "pods" : info.subresource} cannot be upgraded`);
    deps.streaming.upgrade(kind, info.namespace, info.name, { method, query, headers, socket, head: rest });
  }

  return (request, socket, head) => {
    // A client that goes away while it is being refused is nobody's failure.
    socket.on("error", () => socket.destroy());
    serve(request, socket, head).catch((error: unknown) => refuseUpgrade(socket, error));
  };
}
