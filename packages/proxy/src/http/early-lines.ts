import type { Clock, TimerWheel } from "@heddle/std";
import type { LogTiming } from "../config/log-timing.ts";
import { type LineInterval, startLineInterval } from "../telemetry/line-interval.ts";
import type { ExchangeLogType, ExchangeRecord } from "./exchange-record.ts";

/** An exchange that says which line of a log is written of it. */
export interface LoggedExchange extends ExchangeRecord {
  logType: ExchangeLogType;
  endMs: number;
}

/** Writes a line of an exchange whenever it is asked to. */
export interface ExchangeLog {
  writeExchange(record: ExchangeRecord): void;
}

/** Lines of access logs before a request is over. */
export interface EarlyLines {
  /** The request has its route, and nothing was asked of anybody. The result is released when it is over. */
  begin(exchange: LoggedExchange): LineInterval | undefined;
  /** The client was told that its tunnel is open. */
  tunnelOpened(exchange: LoggedExchange): void;
}

class TimedLines implements EarlyLines {
  readonly #timing: LogTiming;
  readonly #logs: readonly ExchangeLog[];
  readonly #wheel: TimerWheel;
  readonly #clock: Clock;

  constructor(timing: LogTiming, logs: readonly ExchangeLog[], wheel: TimerWheel, clock: Clock) {
    this.#timing = timing;
    this.#logs = logs;
    this.#wheel = wheel;
    this.#clock = clock;
  }

  begin(exchange: LoggedExchange): LineInterval | undefined {
    const { atStart, intervalMs } = this.#timing;
    if (atStart) this.#write(exchange, "DownstreamStart");
    if (intervalMs === 0) return undefined;
    return startLineInterval(this.#wheel, intervalMs, () => this.#write(exchange, "DownstreamPeriodic"));
  }

  tunnelOpened(exchange: LoggedExchange): void {
    if (this.#timing.whenConnected) this.#write(exchange, "DownstreamTunnelSuccessfullyEstablished");
  }

  #write(exchange: LoggedExchange, type: ExchangeLogType): void {
    exchange.logType = type;
    exchange.endMs = this.#clock.monotonic();
    for (const log of this.#logs) log.writeExchange(exchange);
    exchange.logType = "DownstreamEnd";
    exchange.endMs = -1;
  }
}

export function createEarlyLines(
  timing: LogTiming,
  logs: readonly ExchangeLog[],
  wheel: TimerWheel,
  clock: Clock,
): EarlyLines {
  return new TimedLines(timing, logs, wheel, clock);
}
