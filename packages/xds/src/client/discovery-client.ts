import type { Any } from "@bufbuild/protobuf/wkt";

/** One resource as it arrived; its body is still encoded. */
export interface ReceivedResource {
  readonly name: string;
  /** Of the resource (delta) or of the whole response (state of the world). */
  readonly version: string;
  readonly body: Any;
}

/** What a response changes. */
export interface ResourceUpdate {
  readonly typeUrl: string;
  readonly version: string;
  /** New or changed. */
  readonly resources: readonly ReceivedResource[];
  /** Names that are gone, or that were asked for and do not exist. */
  readonly removed: readonly string[];
}

/** How a type stands. */
export interface ClientStatus {
  readonly typeUrl: string;
  readonly wildcard: boolean;
  readonly names: readonly string[];
  /** Version last accepted; empty before. */
  readonly version: string;
  /** Reason of the last rejection, until the next acceptance. */
  readonly rejection: string | undefined;
  /** Names that are subscribed and about which the server has said nothing yet on any stream. */
  readonly unanswered: readonly string[];
}

export interface DiscoveryClientOptions<Request> {
  send(request: Request): void;
  /**
   * Applies an update. Return a reason to reject it (NACK): the server is told, and the versions accepted before stay in force.
   * Must not throw; may subscribe and unsubscribe (what it asks for is sent with the answer or right after it).
   */
  onUpdate(update: ResourceUpdate): string | undefined;
}

/** The client's side of discovery, without its socket: survives reconnects. States and transitions: LIFECYCLE.md. */
export interface DiscoveryClient<Response> {
  /** Wants `names` of a type; without names all of them (wildcard). */
  subscribe(typeUrl: string, names?: readonly string[]): void;
  unsubscribe(typeUrl: string, names?: readonly string[]): void;
  /** A stream is there: (re)sends the node and all subscriptions. */
  streamOpened(): void;
  /** The stream is gone: nothing is sent until the next one. */
  streamClosed(): void;
  receive(response: Response): void;
  status(): readonly ClientStatus[];
}

export const wildcardName = "*";
