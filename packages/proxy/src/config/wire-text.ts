import { isUtf8 } from "node:buffer";

// Headers are kept with one character for each byte, so that what came goes out as it came; texts that people read are Unicode.

const ABOVE_ASCII = /[\u0080-\uffff]/;
const ABOVE_BYTES = /[\u0100-\uffff]/;

/** What the bytes of a header say: UTF-8 where it is that, else a character for each byte. Source: Envoy's JSON logs. */
export function textOfBytes(bytes: string): string {
  if (!ABOVE_ASCII.test(bytes) || ABOVE_BYTES.test(bytes)) return bytes;
  const buffer = Buffer.from(bytes, "latin1");
  return isUtf8(buffer) ? buffer.toString("utf8") : bytes;
}

/** A text as headers hold it: its UTF-8, with one character for each byte. */
export function bytesOfText(text: string): string {
  return ABOVE_ASCII.test(text) ? Buffer.from(text).toString("latin1") : text;
}
