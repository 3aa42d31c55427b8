import { type Logger, parseLogLevel } from "@heddle/std";
import { textAnswer } from "./answer.ts";

const USAGE = `usage: /logging?<name>=<level> (change single level)
usage: /logging?paths=name1:level1,name2:level2,... (change multiple levels)
usage: /logging?level=<level> (change all levels)
levels: trace debug info warning error critical off
`;

/** `POST /logging`: shows levels and changes them, all (`level`) or those of parts of the program. Source: Envoy's admin interface. */
export function loggingPage(log: Logger, url: URL): Response {
  // Source: Envoy takes one parameter, of which an empty one changes nothing.
  if ([...url.searchParams].length > 1)
    return textAnswer(`error: invalid number of parameters\n\n${USAGE}${active(log)}`, 400);
  if (url.searchParams.get("level") === "" || url.searchParams.get("paths") === "") return textAnswer(active(log));
  const wanted: [string, string][] = [];
  for (const [key, value] of url.searchParams) {
    if (key !== "paths") {
      wanted.push([key, value]);
      continue;
    }
    for (const item of value.split(",")) {
      const [name = "", level = ""] = item.split(":");
      wanted.push([name, level]);
    }
  }
  const parts = [...log.levels().keys()];
  // `upstream` stands for `proxy.upstream`, as Envoy's own names do.
  const named = (name: string) => parts.filter((part) => part === name || part.endsWith(`.${name}`));
  for (const [name, text] of wanted) {
    const wrong =
      parseLogLevel(text) === undefined
        ? "unknown logger level"
        : name !== "level" && named(name).length === 0
          ? "unknown logger name"
          : undefined;
    if (wrong !== undefined) return textAnswer(`error: ${wrong}\n\n${USAGE}${active(log)}`, 400);
  }
  for (const [name, text] of wanted) {
    const level = parseLogLevel(text);
    if (level === undefined) continue;
    if (name === "level") log.setLevel(level);
    else for (const part of named(name)) log.setLevel(level, part);
  }
  return textAnswer(active(log));
}

function active(log: Logger): string {
  let text = "active loggers:\n";
  for (const [part, level] of log.levels()) text += `  ${part}: ${level === "warn" ? "warning" : level}\n`;
  return text;
}
