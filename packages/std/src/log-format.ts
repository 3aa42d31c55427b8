import type { LogRecord, LogSink } from "./log.ts";

/** `2026-01-01T00:00:00.000Z  info  proxy.admin  listening port=15000`, without a line end. */
export function formatLogText(record: LogRecord): string {
  let line = `${new Date(record.timeMs).toISOString()}\t${record.level}\t`;
  if (record.scope !== "") line += `${record.scope}\t`;
  line += oneLine(record.message);
  for (const [name, value] of Object.entries(record.fields)) {
    if (value !== undefined) line += ` ${name}=${fieldText(value)}`;
  }
  return line;
}

/** One JSON object per record, without a line end; keys as Istio's `--log_as_json` writes them. */
export function formatLogJson(record: LogRecord): string {
  return JSON.stringify({
    ...record.fields,
    time: new Date(record.timeMs).toISOString(),
    level: record.level,
    ...(record.scope === "" ? {} : { scope: record.scope }),
    msg: record.message,
  });
}

/** A sink that formats each record and hands the line, with its line end, to `write`. */
export function createLineSink(format: "text" | "json", write: (line: string) => void): LogSink {
  const formatter = format === "json" ? formatLogJson : formatLogText;
  return (record) => write(`${formatter(record)}\n`);
}

function fieldText(value: unknown): string {
  if (typeof value === "string") return /^[^\s"=\\]+$/.test(value) ? value : JSON.stringify(value);
  return JSON.stringify(value) ?? String(value);
}

// A message that quotes foreign input must not forge a second log line.
function oneLine(text: string): string {
  return text.replace(/\r/g, "\\r").replace(/\n/g, "\\n");
}
