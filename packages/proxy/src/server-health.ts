/** Whether operators have told this proxy to fail its health checks. Source: Envoy's `/healthcheck/fail`. */
export interface ServerHealth {
  readonly failed: boolean;
}

/** The same for who changes it. */
export interface ServerHealthSwitch extends ServerHealth {
  set(failed: boolean): void;
}

class Switch implements ServerHealthSwitch {
  failed = false;

  set(failed: boolean): void {
    this.failed = failed;
  }
}

export function createServerHealth(): ServerHealthSwitch {
  return new Switch();
}
