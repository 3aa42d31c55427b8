import type { HeaderList } from "@heddle/wire";
import type { Host } from "../../upstream/host.ts";

/** A finished span, as exporters take it. */
export interface SpanData {
  readonly traceId: string;
  readonly spanId: string;
  /** "": it begins the trace. */
  readonly parentId: string;
  /** W3C's header, passed on. */
  readonly traceState: string;
  readonly name: string;
  readonly kind: "server" | "client";
  /** Units: ms since 1970, with fractions. */
  readonly startMs: number;
  readonly endMs: number;
  readonly failed: boolean;
  /** It has the id of its client's span. */
  readonly shared: boolean;
  /** Where the proxy was called, `ip:port`. */
  readonly local: string;
  readonly tags: readonly (readonly [name: string, value: string])[];
}

/** One try of a request, where tries have spans. */
export interface TrySpan {
  readonly spanId: string;
  readonly host: Host;
  /** Units: ms of the monotonic clock. */
  readonly startMs: number;
  endMs: number;
}

/** A request that is being recorded. */
export interface ActiveSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string;
  readonly shared: boolean;
  readonly traceState: string;
  /** Undefined: tries have no spans. */
  readonly tries: TrySpan[] | undefined;
  /** The request is about to go to `host`. */
  beforeTry(headers: HeaderList, host: Host): void;
}
