import type { NamedTapEvent } from "@heddle/viz/contract";

interface FailureGroup {
  /** What its calls have in common. */
  readonly key: string;
  readonly event: NamedTapEvent;
  count: number;
  lastMs: number;
}

/** Failures grouped by who called what and how it ended. */
export function groupFailures(events: readonly NamedTapEvent[]): readonly FailureGroup[] {
  const groups = new Map<string, FailureGroup>();
  for (const event of events) {
    const path = event.path.split("?")[0] ?? "";
    const key = [
      event.direction,
      event.srcName,
      event.dstName,
      event.method,
      path,
      event.status,
      event.grpcStatus,
      event.flags,
    ].join("\n");
    const known = groups.get(key);
    if (!known) groups.set(key, { key, event, count: 1, lastMs: event.time });
    else {
      known.count++;
      known.lastMs = Math.max(known.lastMs, event.time);
    }
  }
  return [...groups.values()].sort((a, b) => b.count - a.count);
}
