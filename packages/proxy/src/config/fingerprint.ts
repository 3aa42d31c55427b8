/** A short text that differs where the bytes differ. */
export function fingerprint(bytes: Uint8Array): string {
  return `${bytes.length.toString(36)}-${Bun.hash(bytes).toString(36)}`;
}
