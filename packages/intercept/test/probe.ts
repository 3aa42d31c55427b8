import { dlopen, FFIType } from "bun:ffi";
import { connect } from "node:net";

/**
 * `probe.ts IP PORT [mark N] [from IP]`: connects and prints what the other side says, with system calls because a mark must be set before connecting.
 */
const c = dlopen("libc.so.6", {
  socket: { args: [FFIType.i32, FFIType.i32, FFIType.i32], returns: FFIType.i32 },
  setsockopt: { args: [FFIType.i32, FFIType.i32, FFIType.i32, FFIType.ptr, FFIType.u32], returns: FFIType.i32 },
  bind: { args: [FFIType.i32, FFIType.ptr, FFIType.u32], returns: FFIType.i32 },
  connect: { args: [FFIType.i32, FFIType.ptr, FFIType.u32], returns: FFIType.i32 },
  recv: { args: [FFIType.i32, FFIType.ptr, FFIType.u64, FFIType.i32], returns: FFIType.i64_fast },
}).symbols;

function address(ip: string, port: number): Uint8Array {
  return Uint8Array.of(2, 0, port >> 8, port & 255, ...ip.split(".").map(Number), ...new Array<number>(8).fill(0));
}

const [ip = "", port = "0", ...rest] = process.argv.slice(2);
if (ip.includes(":")) {
  const socket = connect({ host: ip, port: Number(port), timeout: 2000 });
  socket.on("data", (data) => process.stdout.write(data));
  socket.on("timeout", () => process.exit(0));
  socket.on("error", (error) => {
    process.stdout.write(`refused ${error.message}`);
    process.exit(0);
  });
  await new Promise((resolve) => socket.once("end", resolve));
  process.exit(0);
}
const fd = c.socket(2, 1, 0);
const limit = new Uint8Array(16);
limit[0] = 2;
// SOL_SOCKET, SO_RCVTIMEO and SO_SNDTIMEO: nothing here waits longer than two seconds.
c.setsockopt(fd, 1, 20, limit, 16);
c.setsockopt(fd, 1, 21, limit, 16);
if (rest[0] === "mark") c.setsockopt(fd, 1, 36, Uint8Array.of(Number(rest[1]) & 255, Number(rest[1]) >> 8, 0, 0), 4);
if (rest[0] === "from") c.bind(fd, address(rest[1] ?? "", 0), 16);
if (c.connect(fd, address(ip, Number(port)), 16) < 0) process.stdout.write("refused");
else {
  const buffer = new Uint8Array(200);
  const size = Number(c.recv(fd, buffer, 200, 0));
  process.stdout.write(size > 0 ? new TextDecoder().decode(buffer.subarray(0, size)) : "silence");
}
