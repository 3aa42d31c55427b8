import { createSocket } from "node:dgram";

/** What a name server does with questions. */
export type NameAnswer =
  | { readonly kind: "addresses"; readonly ips: readonly string[] }
  | { readonly kind: "failure" }
  | { readonly kind: "unknown" }
  | { readonly kind: "silence" };

export interface NameServer {
  answer: NameAnswer;
  /** Questions that have come. */
  readonly asked: number;
  close(): void;
}

const SERVFAIL = 2;
const NXDOMAIN = 3;
const TYPE_A = 1;

/** A name server of one name, over UDP port 53 of an address. Source: RFC 1035. */
export async function startNameServer(ip: string, first: NameAnswer): Promise<NameServer> {
  const socket = createSocket("udp4");
  let asked = 0;
  const server = {
    answer: first,
    get asked() {
      return asked;
    },
    close: () => void socket.close(),
  };
  socket.on("message", (query, from) => {
    asked++;
    const { answer } = server;
    if (answer.kind === "silence") return;
    let end = 12;
    while ((query[end] ?? 0) !== 0) end += (query[end] ?? 0) + 1;
    const question = query.subarray(12, end + 5);
    const ips = answer.kind === "addresses" && query.readUInt16BE(end + 1) === TYPE_A ? answer.ips : [];
    const head = Buffer.alloc(12);
    query.copy(head, 0, 0, 2);
    const code = answer.kind === "failure" ? SERVFAIL : answer.kind === "unknown" ? NXDOMAIN : 0;
    head.writeUInt16BE(0x8580 | code, 2);
    head.writeUInt16BE(1, 4);
    head.writeUInt16BE(ips.length, 6);
    const records = ips.map((text) =>
      Buffer.from([0xc0, 12, 0, TYPE_A, 0, 1, 0, 0, 0, 1, 0, 4, ...text.split(".").map(Number)]),
    );
    socket.send(Buffer.concat([head, question, ...records]), from.port, from.address);
  });
  await new Promise<void>((done, fail) => {
    socket.once("error", fail);
    socket.bind(53, ip, done);
  });
  return server;
}
