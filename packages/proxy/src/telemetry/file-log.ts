import type { LogLine } from "../config/log-line.ts";
import type { ExchangeRecord } from "../http/exchange-record.ts";
import { exchangeValues } from "../http/exchange-values.ts";
import type { TcpRecord } from "../network/tcp-record.ts";
import { tcpValues } from "../network/tcp-values.ts";
import type { LogTarget } from "./access-log.ts";
import { type LineFacts, type LineStep, lineSteps } from "./line-steps.ts";
import type { LogFile } from "./log-writer.ts";

class FileLog implements LogTarget {
  readonly #file: LogFile;
  readonly #steps: readonly LineStep[];

  constructor(line: LogLine, file: LogFile) {
    this.#file = file;
    this.#steps = lineSteps(line);
  }

  exchange(record: ExchangeRecord): void {
    this.#write({
      values: exchangeValues(record),
      startTime: record.startTime,
      requestHeaders: record.request.headers,
      responseHeaders: record.response?.headers,
    });
  }

  connection(record: TcpRecord): void {
    this.#write({
      values: tcpValues(record),
      startTime: record.startTime,
      requestHeaders: undefined,
      responseHeaders: undefined,
    });
  }

  #write(facts: LineFacts): void {
    const out = this.#file.begin();
    if (out === undefined) return;
    const steps = this.#steps;
    for (let i = 0; i < steps.length; i++) steps[i]?.write(out, facts);
    this.#file.end();
  }
}

/** Lines in a file or on a stream of the process. */
export function createFileLog(line: LogLine, file: LogFile): LogTarget {
  return new FileLog(line, file);
}
