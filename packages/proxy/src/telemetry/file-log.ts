import { type LogLine, renderLine } from "../config/log-line.ts";
import { exchangeValues } from "../http/exchange-values.ts";
import { tcpValues } from "../network/tcp-values.ts";
import type { LogTarget } from "./access-log.ts";
import type { LogWriter } from "./log-writer.ts";

/** Lines in a file or on a stream of the process. */
export function createFileLog(path: string, line: LogLine, writer: LogWriter): LogTarget {
  const write = (text: string) => writer.write(path, text.endsWith("\n") ? text : `${text}\n`);
  return {
    exchange: (record) => write(renderLine(line, exchangeValues(record))),
    connection: (record) => write(renderLine(line, tcpValues(record))),
  };
}
