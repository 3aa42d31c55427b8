/** Stands in for the reference server: starts it, puts a pair of sidecars before it, and reports the pair's port. connect-shim.ts PROGRAM */
import { startPair } from "../../packages/proxy/test/rig/pair.ts";

const [program = ""] = process.argv.slice(2);
const server = Bun.spawn([program], { stdin: "pipe", stdout: "pipe", stderr: "inherit" });

let pair: { stop(): Promise<void> } | undefined;
let ending = false;
const end = async () => {
  if (ending) return;
  ending = true;
  server.kill("SIGTERM");
  await pair?.stop();
  process.exit(0);
};
process.on("SIGTERM", () => void end());
process.on("SIGINT", () => void end());

/** A message of the suite: its length in four bytes, then itself. */
async function readMessage(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  let held = Buffer.alloc(0);
  for await (const chunk of stream) {
    held = Buffer.concat([held, chunk]);
    if (held.length >= 4 && held.length >= 4 + held.readUInt32BE(0)) break;
  }
  return held.subarray(4, 4 + held.readUInt32BE(0));
}

function framed(message: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(message.length);
  return Buffer.concat([length, message]);
}

server.stdin.write(framed(await readMessage(Bun.stdin.stream())));
await server.stdin.flush();
const response = await readMessage(server.stdout);

const started = await startPair({ services: { app: { origin: portOf(response), declared: "http" } } });
pair = started;
if (ending) await started.stop();
await Bun.write(Bun.stdout, framed(answerWith("127.0.0.1", started.ports.app.outbound)));
await server.exited;
await end();

/** `port` (field 2) of a ServerCompatResponse; `host` is field 1, `pem_cert` field 3. */
function portOf(message: Uint8Array): number {
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = message[at++] ?? 0;
      value |= (byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const tag = varint();
    if (tag === 0x10) return varint();
    const length = varint();
    if ((tag & 7) === 2) at += length;
  }
  throw new Error("the reference server reported no port");
}

function answerWith(host: string, port: number): Uint8Array {
  const text = Buffer.from(host);
  const digits: number[] = [];
  let rest = port;
  for (; rest > 127; rest >>= 7) digits.push((rest & 127) | 128);
  return Buffer.from([0x0a, text.length, ...text, 0x10, ...digits, rest]);
}
