/**
 * A line between two addresses of one network namespace, as a process: what is sent to 10.77.0.2 comes back to 10.77.0.1 and the answers
 * the other way, so every packet passes here and can be delayed, lost or spoilt. Packets are turned round by exchanging their addresses,
 * which leaves all checksums as they are. Commands come as lines of JSON on stdin; each is answered by a line.
 */
import { CString, dlopen, FFIType } from "bun:ffi";
import { closeSync, constants, openSync, readSync, writeSync } from "node:fs";
import { ADDRESS, type LineState, NETMASK } from "./line-state.ts";

const c = dlopen("libc.so.6", {
  ioctl: { args: [FFIType.i32, FFIType.u64, FFIType.ptr], returns: FFIType.i32 },
  socket: { args: [FFIType.i32, FFIType.i32, FFIType.i32], returns: FFIType.i32 },
  poll: { args: [FFIType.ptr, FFIType.u64, FFIType.i32], returns: FFIType.i32 },
  strerror: { args: [FFIType.i32], returns: FFIType.ptr },
  __errno_location: { args: [], returns: FFIType.ptr },
}).symbols;

/** Source: linux/if_tun.h, linux/sockios.h, linux/if.h. */
const TUNSETIFF = 0x400454ca;
const SIOCSIFFLAGS = 0x8914;
const SIOCSIFADDR = 0x8916;
const SIOCSIFNETMASK = 0x891c;
const IFF_UP_RUNNING = 0x41;
const IFF_TUN_NO_PI = 0x1001;
const POLLIN = 1;
const TCP = 6;
const RST_ACK = 0x14;

function request(name: string, fill: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(40);
  bytes.set(Buffer.from(name, "latin1"));
  fill(new DataView(bytes.buffer));
  return bytes;
}

function must(done: number, what: string): void {
  if (done >= 0) return;
  const text = new CString(c.strerror(1) ?? 0);
  throw new Error(`${what} failed (${text.toString()} or another reason); it needs root in its network namespace`);
}

const tun = openSync("/dev/net/tun", constants.O_RDWR | constants.O_NONBLOCK);
must(
  c.ioctl(
    tun,
    TUNSETIFF,
    request("line0", (view) => view.setUint16(16, IFF_TUN_NO_PI, true)),
  ),
  "making the device",
);
const control = c.socket(2, 2, 0);
const inet = (ip: string) => (view: DataView) => {
  view.setUint16(16, 2, true);
  for (const [i, part] of ip.split(".").entries()) view.setUint8(20 + i, Number(part));
};
must(c.ioctl(control, SIOCSIFADDR, request("line0", inet(ADDRESS))), "giving the address");
must(c.ioctl(control, SIOCSIFNETMASK, request("line0", inet(NETMASK))), "giving the netmask");
for (const name of ["line0", "lo"])
  must(
    c.ioctl(
      control,
      SIOCSIFFLAGS,
      request(name, (view) => view.setUint16(16, IFF_UP_RUNNING, true)),
    ),
    "setting up",
  );

let state: LineState = { delayMs: 0, loss: 0, resets: 0 };
/** Packets on their way, the next one first: the delay is the same for all, so their order is that of their arrival. */
const waiting: { readonly dueMs: number; readonly packet: Uint8Array }[] = [];
const buffer = new Uint8Array(65_536);
let typed = "";
writeSync(1, "ready\n");

for (;;) {
  const first = waiting[0];
  const timeout = first === undefined ? 1000 : Math.max(0, Math.ceil(first.dueMs - performance.now()));
  const polled = new Int16Array([tun, tun >> 16, POLLIN, 0, 0, 0, POLLIN, 0]);
  c.poll(polled, 2, timeout);
  if (polled[7] !== 0) takeCommand();
  for (let i = 0; i < 256 && polled[3] !== 0; i++) {
    let length = 0;
    try {
      length = readSync(tun, buffer);
    } catch {
      break;
    }
    take(buffer.slice(0, length));
  }
  const now = performance.now();
  while (waiting[0] !== undefined && waiting[0].dueMs <= now) {
    const { packet } = waiting.shift() ?? { packet: new Uint8Array(0) };
    try {
      writeSync(tun, packet);
    } catch {
      // A full queue drops packets, as a real line does.
    }
  }
}

function takeCommand(): void {
  const bytes = new Uint8Array(4096);
  let length = 0;
  try {
    length = readSync(0, bytes);
  } catch {
    return;
  }
  if (length === 0) {
    closeSync(tun);
    process.exit(0);
  }
  typed += Buffer.from(bytes.subarray(0, length)).toString();
  for (let end = typed.indexOf("\n"); end >= 0; end = typed.indexOf("\n")) {
    state = JSON.parse(typed.slice(0, end));
    typed = typed.slice(end + 1);
    // What is on the line when it breaks is lost too.
    if (state.loss >= 1) waiting.length = 0;
    writeSync(1, "done\n");
  }
}

function take(packet: Uint8Array): void {
  if (packet[0] !== 0x45 || Math.random() < state.loss) return;
  const source = packet.slice(12, 16);
  packet.copyWithin(12, 16, 20);
  packet.set(source, 16);
  if (packet[9] === TCP && Math.random() < state.resets) reset(packet);
  waiting.push({ dueMs: performance.now() + state.delayMs, packet });
}

/** Makes a segment a reset; its checksum changes by the difference. Source: RFC 1624. */
function reset(packet: Uint8Array): void {
  const view = new DataView(packet.buffer, packet.byteOffset);
  const before = view.getUint16(32);
  const after = (before & 0xff00) | RST_ACK;
  view.setUint16(32, after);
  let sum = (~view.getUint16(36) & 0xffff) + (~before & 0xffff) + after;
  sum = (sum & 0xffff) + (sum >>> 16);
  sum = (sum & 0xffff) + (sum >>> 16);
  view.setUint16(36, ~sum & 0xffff);
}
