import { dlopen, FFIType } from "bun:ffi";
import { createServer, type Socket } from "node:net";

/** `listener.ts NAME IP PORT…`: answers each connection with NAME and the destination the caller asked for, then closes. */
const c = dlopen("libc.so.6", {
  getsockopt: { args: [FFIType.i32, FFIType.i32, FFIType.i32, FFIType.ptr, FFIType.ptr], returns: FFIType.i32 },
}).symbols;
const SO_ORIGINAL_DST = 80;

function descriptor(socket: Socket): number {
  const handle: unknown = Reflect.get(socket, "_handle");
  return typeof handle === "object" && handle !== null ? Number(Reflect.get(handle, "fd")) : -1;
}

const SOL_IPV6 = 41;

function originalDestination(socket: Socket): string {
  const out = new Uint8Array(28);
  if (c.getsockopt(descriptor(socket), SOL_IPV6, SO_ORIGINAL_DST, out, Uint32Array.of(28)) === 0) {
    const ip = Buffer.from(out.slice(8, 24)).toString("hex");
    return `${ip}:${((out[2] ?? 0) << 8) | (out[3] ?? 0)}`;
  }
  if (c.getsockopt(descriptor(socket), 0, SO_ORIGINAL_DST, out, Uint32Array.of(16)) !== 0) return "-";
  return `${out.slice(4, 8).join(".")}:${((out[2] ?? 0) << 8) | (out[3] ?? 0)}`;
}

const [name = "", ip = "", ...ports] = process.argv.slice(2);
let waiting = ports.length;
for (const port of ports) {
  createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.end(`${name} ${originalDestination(socket)}`);
  }).listen(Number(port), ip, () => {
    waiting -= 1;
    if (waiting === 0) process.stdout.write("ready\n");
  });
}
