/** When to renew a certificate. */
export interface RotationOptions {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly nowMs: number;
  /** Part of the life that must remain. Default: 0.5. Source: Istio `SECRET_GRACE_PERIOD_RATIO`. */
  readonly graceRatio?: number;
  /** In [0, 1); spreads a fleet that started together over ±1 % of the life. */
  readonly random: number;
}

/** Milliseconds from now until renewal; 0 when it is due. */
export function renewalDelay(options: RotationOptions): number {
  const life = options.notAfterMs - options.notBeforeMs;
  const grace = (options.graceRatio ?? 0.5) + (options.random - 0.5) * 0.02;
  return Math.max(0, options.notAfterMs - life * grace - options.nowMs);
}
