/** Wraps DER bytes as PEM. */
export function toPem(label: string, bytes: Uint8Array): string {
  const text = Buffer.from(bytes)
    .toString("base64")
    .replace(/(.{64})(?=.)/g, "$1\n");
  return `-----BEGIN ${label}-----\n${text}\n-----END ${label}-----\n`;
}

/** The blocks of a PEM text with this label, each as its own PEM text. */
export function pemBlocks(text: string, label: string): readonly string[] {
  const block = new RegExp(`-----BEGIN ${label}-----[A-Za-z0-9+/=\\s]*-----END ${label}-----`, "g");
  return (text.match(block) ?? []).map((found) => `${found.replaceAll("\r", "")}\n`);
}

/** The bytes of the first block with this label; undefined without one. */
export function fromPem(text: string, label: string): Uint8Array | undefined {
  const [block] = pemBlocks(text, label);
  if (block === undefined) return undefined;
  return new Uint8Array(Buffer.from(block.replace(/-----[A-Z0-9 ]+-----/g, "").replace(/\s/g, ""), "base64"));
}
