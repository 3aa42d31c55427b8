/** Where the server listens, and whether it tells each request. */
export interface ServerOptions {
  readonly host: string;
  readonly port: number;
  readonly accessLog: boolean;
}

const DEFAULT_PORT = 8080;
/** Flags of others that change nothing here, with their values: workers and the like of gunicorn. */
const WITHOUT_EFFECT = ["-k", "--worker-class", "-w", "--workers", "--log-level", "-log-format"];
const USAGE = "usage: httpbin [-port PORT] [-host ADDRESS], or gunicorn's [-b ADDRESS:PORT] [--access-logfile -]";

/** The words of `go-httpbin` and of `gunicorn … httpbin:app`, as the walkthroughs use them; `PORT` counts where none names a port. Errors: what is wrong, and the usage. */
export function readOptions(
  words: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): ServerOptions | string {
  let host = "0.0.0.0";
  let port = env["PORT"] ?? String(DEFAULT_PORT);
  let accessLog = false;
  for (let i = 0; i < words.length; i++) {
    const [name = "", joined] = (words[i] ?? "").split(/=(.*)/s);
    if (!name.startsWith("-")) continue;
    const value = joined ?? words[++i];
    if (value === undefined) return `${name} needs a value; ${USAGE}`;
    if (name === "-b" || name === "--bind") {
      const at = value.lastIndexOf(":");
      [host, port] = [value.slice(0, at), value.slice(at + 1)];
    } else if (name === "-port" || name === "--port") port = value;
    else if (name === "-host" || name === "--host") host = value;
    else if (name === "--access-logfile") accessLog = value === "-";
    else if (!WITHOUT_EFFECT.includes(name)) return `${name} is unknown; ${USAGE}`;
  }
  const number = Number(port);
  if (!(Number.isInteger(number) && number > 0 && number < 65_536))
    return `"${port}" is no port (1 to 65535); ${USAGE}`;
  return { host: host === "" ? "0.0.0.0" : host, port: number, accessLog };
}

/** A request as a line of Apache's combined log, which gunicorn writes. */
export interface LoggedRequest {
  readonly peer: string;
  readonly at: Date;
  readonly requestLine: string;
  readonly status: number;
  readonly bytes: number;
  readonly referer: string | undefined;
  readonly agent: string | undefined;
}

export function logLine({ peer, at, requestLine, status, bytes, referer = "-", agent = "-" }: LoggedRequest): string {
  const [, day = "", month = "", year = "", time = ""] = at.toUTCString().split(" ");
  const quoted = (text: string) => `"${text.replace(/[^ !#-[\]-~]/g, "?")}"`;
  return `${peer} - - [${day}/${month}/${year}:${time} +0000] ${quoted(requestLine)} ${status} ${bytes} ${quoted(referer)} ${quoted(agent)}\n`;
}
