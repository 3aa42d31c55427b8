import type { Clock } from "@heddle/std";
import type { DrainOptions, ListenerSet } from "./listener/listener-set.ts";

/** How often idleness is looked at. Units: ms. */
const LOOK_MS = 50;

/** Settles when `idle` is true, at the earliest after `notBeforeMs`, at the latest after `limitMs`. Gives whether it was idle. */
async function untilIdle(
  idle: () => boolean,
  clock: Clock,
  { notBeforeMs, limitMs }: { readonly notBeforeMs: number; readonly limitMs: number },
): Promise<boolean> {
  const start = clock.monotonic();
  const end = start + limitMs;
  const notBefore = start + Math.min(notBeforeMs, limitMs);
  while (clock.monotonic() < end && (clock.monotonic() < notBefore || !idle())) {
    await new Promise<void>((resolve) => void clock.after(LOOK_MS, resolve));
  }
  return idle();
}

/** Beyond the limit of a drain, for who is connected while the ports close. Units: ms. */
export const LAST_MS = 2000;

/** Drains listeners for good: as `how` says until nobody is connected, then their ports close in any case. Gives whether everybody was done. */
export async function endListeners(
  listeners: ListenerSet,
  how: DrainOptions,
  clock: Clock,
  limits: { readonly notBeforeMs: number; readonly limitMs: number },
): Promise<boolean> {
  listeners.drain(how);
  const idle = await untilIdle(() => listeners.idle, clock, limits);
  if (how.closePorts === true || !idle) return idle;
  listeners.drain({ closePorts: true });
  return untilIdle(() => listeners.idle, clock, { notBeforeMs: 0, limitMs: LAST_MS });
}
