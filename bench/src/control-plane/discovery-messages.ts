/** The dialect that a simulated proxy speaks. */
export type Dialect = "delta" | "sotw";

/** What a simulated proxy needs of a response; resources stay bytes. */
export interface ReadResponse {
  readonly typeUrl: string;
  readonly version: string;
  readonly nonce: string;
  /** Read only when asked for. */
  readonly names: readonly string[];
}

const text = new TextDecoder();

/** Calls `visit` for each length-delimited field of a message. */
function fields(bytes: Uint8Array, visit: (field: number, value: Uint8Array) => void): void {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 0x7f) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    switch (tag & 7) {
      case 0:
        varint();
        break;
      case 1:
        at += 8;
        break;
      case 5:
        at += 4;
        break;
      default: {
        const length = varint();
        visit(tag >> 3, bytes.subarray(at, at + length));
        at += length;
      }
    }
  }
}

function firstField(bytes: Uint8Array, wanted: number): Uint8Array | undefined {
  let found: Uint8Array | undefined;
  fields(bytes, (field, value) => {
    if (field === wanted) found ??= value;
  });
  return found;
}

/** Reads a DiscoveryResponse or DeltaDiscoveryResponse; the numbers of what is needed are the same in both. */
export function readResponse(
  dialect: Dialect,
  bytes: Uint8Array,
  wantsNames: (typeUrl: string) => boolean,
): ReadResponse {
  let typeUrl = "";
  let version = "";
  let nonce = "";
  const resources: Uint8Array[] = [];
  fields(bytes, (field, value) => {
    if (field === 1) version = text.decode(value);
    else if (field === 2) resources.push(value);
    else if (field === 4) typeUrl = text.decode(value);
    else if (field === 5) nonce = text.decode(value);
  });
  const names: string[] = [];
  if (wantsNames(typeUrl)) {
    for (const resource of resources) {
      const name = dialect === "delta" ? firstField(resource, 3) : firstField(firstField(resource, 2) ?? resource, 1);
      if (name !== undefined) names.push(text.decode(name));
    }
  }
  return { typeUrl, version, nonce, names };
}

/** A request in either dialect. */
export interface RequestFields {
  readonly node?: Uint8Array | undefined;
  readonly typeUrl: string;
  readonly version?: string;
  readonly nonce?: string;
  /** State of the world: all names; delta: new ones. */
  readonly names?: readonly string[];
}

/** Encodes a request with its gRPC frame. */
export function writeRequest(dialect: Dialect, request: RequestFields): Uint8Array {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const put = (field: number, value: Uint8Array | string | undefined): void => {
    if (value === undefined || value.length === 0) return;
    const body = typeof value === "string" ? Buffer.from(value) : value;
    const head = [(field << 3) | 2];
    let rest = body.length;
    for (; rest > 127; rest >>= 7) head.push((rest & 127) | 128);
    head.push(rest);
    chunks.push(Uint8Array.from(head), body);
    length += head.length + body.length;
  };
  const delta = dialect === "delta";
  if (!delta) put(1, request.version);
  put(delta ? 1 : 2, request.node);
  if (delta) put(2, request.typeUrl);
  for (const name of request.names ?? []) put(3, name);
  if (!delta) put(4, request.typeUrl);
  put(delta ? 6 : 5, request.nonce);
  const frame = new Uint8Array(5);
  new DataView(frame.buffer).setUint32(1, length);
  return Buffer.concat([frame, ...chunks]);
}
