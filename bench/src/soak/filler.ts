/** Text that only this id gives: a piece of another answer inside it would show. Units: bytes. */
export function filler(id: string, size: number): string {
  const unit = `${id}.`;
  return unit.repeat(Math.ceil(size / unit.length)).slice(0, size);
}

/** What the application says of a body that it received. */
export function bodySum(body: Uint8Array): string {
  let sum = 0;
  for (const byte of body) sum = (sum + byte) % 65_521;
  return `${body.length} ${sum}`;
}
