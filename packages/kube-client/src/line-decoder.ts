/** Cuts a stream of bytes into JSON lines, as watches send them. */
export interface LineDecoder {
  /** Lines that became complete, in order; empty lines are left out. */
  push(chunk: Uint8Array): readonly string[];
}

/** Errors: `push` throws when a line grows over `maxBytes`. */
export function createLineDecoder(maxBytes = 16 * 1024 * 1024): LineDecoder {
  const decoder = new TextDecoder();
  let parts: Uint8Array[] = [];
  let size = 0;
  const take = (last: Uint8Array): string => {
    if (parts.length === 0) return decoder.decode(last);
    const text = decoder.decode(Buffer.concat([...parts, last]));
    parts = [];
    size = 0;
    return text;
  };
  return {
    push(chunk) {
      const lines: string[] = [];
      let start = 0;
      for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
        const line = take(chunk.subarray(start, end)).trim();
        if (line !== "") lines.push(line);
        start = end + 1;
      }
      if (start < chunk.length) {
        parts.push(chunk.slice(start));
        size += chunk.length - start;
        if (size > maxBytes) throw new Error(`a line of a watch is longer than ${maxBytes} bytes`);
      }
      return lines;
    },
  };
}
