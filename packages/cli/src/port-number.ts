import { UsageError } from "./context.ts";

/** A port to listen on; 0 is any free one. Errors: UsageError naming the flag. */
export function portNumber(text: string, flag: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new UsageError(`${flag} ${text}: expected a port number from 0 to 65535`);
}
