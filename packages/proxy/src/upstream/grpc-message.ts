/** One message with its length before it. Source: gRPC over HTTP/2, "Length-Prefixed-Message". */
export function frameGrpcMessage(message: Uint8Array): Buffer {
  const framed = Buffer.alloc(5 + message.length);
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, 5);
  return framed;
}

/** The first message of a body; undefined when it is cut off or compressed. */
export function unframeGrpcMessage(body: Buffer): Uint8Array | undefined {
  if (body.length < 5 || body[0] !== 0) return undefined;
  const length = body.readUInt32BE(1);
  return body.length < 5 + length ? undefined : body.subarray(5, 5 + length);
}
