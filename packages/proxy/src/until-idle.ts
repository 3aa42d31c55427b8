import type { Clock } from "@heddle/std";

/** How often idleness is looked at. Units: ms. */
const LOOK_MS = 50;

/** Settles when `idle` is true, at the earliest after `notBeforeMs`, at the latest after `limitMs`. Gives whether it was idle. */
export async function untilIdle(
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
