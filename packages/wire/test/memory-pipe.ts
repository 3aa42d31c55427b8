import type { HttpConnection } from "../src/http/stream.ts";

/** Carries what two connections have to say to each other, in pieces of at most `pieceBytes`, until both are silent. */
export function exchangeBytes(a: HttpConnection, b: HttpConnection, pieceBytes = 1 << 20): number {
  let carried = 0;
  for (let silent = false; !silent; ) {
    const moved = move(a, b, pieceBytes) + move(b, a, pieceBytes);
    carried += moved;
    silent = moved === 0;
  }
  return carried;
}

function move(from: HttpConnection, to: HttpConnection, pieceBytes: number): number {
  const { output } = from;
  const n = Math.min(pieceBytes, output.length);
  if (n === 0) return 0;
  // A copy, because the receiver owns what it gets.
  const piece = Buffer.from(output.bytes.subarray(output.start, output.start + n));
  output.consume(n);
  to.receive(piece, 0, n);
  from.drained();
  return n;
}
