import { isSecretName, redactText } from "@heddle/std";
import type { TapEvent } from "@heddle/std/tap-event";
import type { ExchangeRecord } from "../http/exchange-record.ts";

/** What happens, for whoever watches now, and the last failures. */
export interface TapFeed {
  /** The last failures, oldest first. */
  failures(): readonly TapEvent[];
  /** Calls `onEvent` for each exchange until the returned function is called. */
  watch(onEvent: (event: TapEvent) => void): () => void;
}

/** The feed, and its only source. */
export interface TapSource extends TapFeed {
  /** Whether an exchange is worth a description: it failed, or somebody watches. */
  wanted(failed: boolean): boolean;
  show(event: TapEvent, failed: boolean): void;
}

/** Units: exchanges. */
const KEPT_FAILURES = 64;

export function createTapFeed(): TapSource {
  const watchers = new Set<(event: TapEvent) => void>();
  const kept: TapEvent[] = [];
  return {
    failures: () => kept,
    watch: (onEvent) => {
      watchers.add(onEvent);
      return () => void watchers.delete(onEvent);
    },
    wanted: (failed) => failed || watchers.size > 0,
    show: (event, failed) => {
      if (failed) {
        if (kept.length >= KEPT_FAILURES) kept.shift();
        kept.push(event);
      }
      for (const watcher of watchers) watcher(event);
    },
  };
}

/** Whether an exchange is kept among the failures. */
export function isFailure({
  status,
  grpc,
  grpcStatus,
}: Pick<ExchangeRecord, "status" | "grpc" | "grpcStatus">): boolean {
  return status === 0 || status >= 500 || (grpc && grpcStatus > 0);
}

/** Longest text that is kept of a path or a header. Units: characters. */
const MAX_TEXT = 512;
const MAX_HEADERS = 40;

/** Headers that prove something to somebody, beside those that `isSecretName` knows. */
const HIDDEN = new Set(["x-forwarded-client-cert", "x-envoy-peer-metadata"]);

/** Headers as they may be shown: not too many, and no secret. */
export function shownHeaders(headers: readonly (readonly [string, string])[]): (readonly [string, string])[] {
  return headers
    .slice(0, MAX_HEADERS)
    .map(([name, value]) => [
      cut(name),
      isSecretName(name) || HIDDEN.has(name) ? "[redacted]" : cut(redactText(value)),
    ]);
}

/** Text that somebody else chose, at most so long. */
export function cut(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
}
