import type { HttpConnection } from "@heddle/wire";

/** What is needed of a socket to write; a write may be partial. */
export interface Writer {
  write(bytes: Uint8Array, offset: number, length: number): number;
}

/** Writes until the socket is full or the connection has nothing more: room in the output lets held back data follow. */
export function writeAll(connection: HttpConnection, socket: Writer): void {
  const { output } = connection;
  do {
    if (output.length > 0) output.consume(Math.max(0, socket.write(output.bytes, output.start, output.length)));
    if (output.length > 0) return;
    connection.drained();
  } while (output.length > 0);
}
