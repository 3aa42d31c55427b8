import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createSocket } from "node:dgram";
import { connect } from "node:net";
import { createNullLogger, createSystemClock } from "@heddle/std";
import { type DecodedPacket, decode, encode, type RecordType } from "dns-packet";
import { createDnsServer, type DnsServer, type Responder } from "./dns-server.ts";
import { createMeshResponder } from "./mesh-responder.ts";
import { createNameIndex } from "./name-index.ts";
import { createUpstream } from "./upstream.ts";

const clock = createSystemClock();
const log = createNullLogger();
const many = Array.from({ length: 60 }, (_, i) => `10.9.0.${i}`);
const seen: string[] = [];
let failFirst = 0;

/** A stand-in for the cluster's DNS, on real sockets: knows outside.test, answers MX for any name of example.com, nothing else. */
const outside: Responder = {
  respond: async (bytes, transport) => {
    const query = decode(Buffer.from(bytes));
    const [question] = query.questions ?? [];
    seen.push(`${transport} ${question?.type} ${question?.name}`);
    if (failFirst > 0) {
      failFirst--;
      return undefined;
    }
    const base = { type: "response", id: query.id ?? 0, questions: query.questions ?? [] } as const;
    if (question?.name === "outside.test")
      return encode({ ...base, answers: [{ type: "A", name: "outside.test", ttl: 5, data: "192.0.2.7" }] });
    return encode({ ...base, flags: 3 });
  },
};

let upstreamServer: DnsServer;
let server: DnsServer;
let asked = 0;
let failed = 0;

beforeAll(async () => {
  upstreamServer = createDnsServer({ address: "127.0.0.1", port: 0, responder: outside, log });
  await upstreamServer.start();
  const upstream = createUpstream({
    servers: () => [{ ip: "127.0.0.1", port: upstreamServer.port }],
    clock,
    events: { onAsked: () => asked++, onAnswered: () => undefined, onFailed: () => failed++ },
  });
  const responder = createMeshResponder({
    upstream,
    zones: ["global"],
    random: Math.random,
    events: { onRequest: () => undefined },
  });
  const entry = (host: string, ...addresses: string[]) => ({
    host,
    addresses,
    registry: "External",
    shortName: "",
    namespace: "shop",
  });
  responder.setNames(
    createNameIndex(
      [entry("bar.foo.global", "240.0.0.2"), entry("api.example.com", "240.240.0.9"), entry("many", ...many)],
      {
        namespace: "shop",
        search: ["shop.svc.cluster.local"],
      },
    ),
  );
  server = createDnsServer({ address: "127.0.0.1", port: 0, responder, log });
  await server.start();
});

afterAll(async () => {
  await server.close();
  await upstreamServer.close();
});

function query(name: string, type: RecordType = "A", edns?: number): Buffer {
  return encode({
    type: "query",
    id: 77,
    flags: 256,
    questions: [{ name, type }],
    ...(edns === undefined
      ? {}
      : {
          additionals: [
            {
              type: "OPT",
              name: ".",
              udpPayloadSize: edns,
              extendedRcode: 0,
              ednsVersion: 0,
              flags: 0,
              flag_do: false,
              options: [],
            },
          ],
        }),
  });
}

function udp(bytes: Uint8Array): Promise<DecodedPacket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket("udp4");
    const timer = setTimeout(() => {
      socket.close();
      reject(new Error("no answer"));
    }, 4000);
    socket.on("message", (answer) => {
      clearTimeout(timer);
      socket.close();
      resolve(decode(answer) as DecodedPacket);
    });
    socket.send(bytes, server.port, "127.0.0.1");
  });
}

function tcp(bytes: Uint8Array): Promise<DecodedPacket> {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0);
    const socket = connect(server.port, "127.0.0.1", () => {
      // Byte by byte at first: a question may come in pieces.
      socket.write(Buffer.from([bytes.length >> 8]));
      socket.write(Buffer.concat([Buffer.from([bytes.length & 255]), bytes]));
    });
    socket.on("error", reject);
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return;
      socket.destroy();
      resolve(decode(received.subarray(2)) as DecodedPacket);
    });
  });
}

const rcode = (packet: DecodedPacket): unknown => Reflect.get(packet, "rcode");
const shown = (packet: DecodedPacket) => [
  rcode(packet),
  ...(packet.answers ?? []).map((answer) => `${answer.type} ${"data" in answer ? answer.data : ""}`),
];

describe("the mesh's DNS", () => {
  test.each([
    ["bar.foo.global", "A", ["NOERROR", "A 240.0.0.2"]],
    ["Bar.Foo.Global", "A", ["NOERROR", "A 240.0.0.2"]],
    ["bar.foo.global", "AAAA", ["NOERROR"]],
    ["bar.foo.global", "TXT", ["NOERROR"]],
    ["nobody.foo.global", "A", ["NXDOMAIN"]],
    ["bar.foo.global.shop.svc.cluster.local", "A", ["NOERROR", "CNAME bar.foo.global", "A 240.0.0.2"]],
    ["outside.test", "A", ["NOERROR", "A 192.0.2.7"]],
    ["nowhere.test", "A", ["NXDOMAIN"]],
    // It has an address, so it exists, whatever others say.
    ["api.example.com", "MX", ["NOERROR"]],
    ["api.example.com", "UNKNOWN_65", ["NOERROR"]],
    ["api.example.com.shop.svc.cluster.local", "MX", ["NOERROR"]],
  ] as const)("%s %s → %p", async (name, type, expected) => {
    expect(shown(await udp(query(name, type as RecordType)))).toEqual([...expected]);
    expect(shown(await tcp(query(name, type as RecordType)))).toEqual([...expected]);
  });

  test("own names never go upstream, HTTPS neither; other types do", async () => {
    seen.length = 0;
    for (const type of ["A", "AAAA", "UNKNOWN_65"] as const) await udp(query("api.example.com", type as RecordType));
    await udp(query("bar.foo.global", "TXT"));
    expect(seen).toEqual([]);
    await tcp(query("api.example.com", "MX"));
    expect(seen).toEqual(["tcp MX api.example.com"]);
  });

  test("what fits no datagram is truncated, unless EDNS makes room; TCP has it all; the order changes", async () => {
    const short = await udp(query("many"));
    expect([short.flag_tc, short.answers?.length]).toEqual([true, 0]);
    const wide = await udp(query("many", "A", 4096));
    expect([wide.flag_tc, wide.answers?.length]).toEqual([false, 60]);
    const orders = new Set<string>();
    for (let i = 0; i < 5; i++) orders.add(shown(await tcp(query("many"))).join());
    expect(orders.size).toBeGreaterThan(1);
  });

  test("a question that upstream loses is asked again", async () => {
    [asked, failed, failFirst] = [0, 0, 1];
    expect(shown(await udp(query("outside.test")))).toEqual(["NOERROR", "A 192.0.2.7"]);
    expect([asked, failed]).toEqual([2, 1]);
  });

  test("a server where nobody listens costs no wait; more questions than sockets are worth fail at once", async () => {
    let [closedAsked, refused] = [0, 0];
    const events = { onAsked: () => closedAsked++, onAnswered: () => undefined, onFailed: () => refused++ };
    const never = { after: () => ({ cancel: () => undefined }), monotonic: () => 0 };
    const timeless = { ...clock, ...never };
    const gone = { ip: "127.0.0.1", port: 1 };
    const both = createUpstream({
      servers: () => [gone, { ip: "127.0.0.1", port: upstreamServer.port }],
      clock: timeless,
      events,
    });
    expect(await both.resolve(query("outside.test"), "udp")).toBeDefined();
    expect([closedAsked, refused]).toEqual([2, 1]);
    const silent = createSocket("udp4");
    await new Promise<void>((resolve) => silent.bind(0, "127.0.0.1", resolve));
    const toSilent = createUpstream({
      servers: () => [{ ip: "127.0.0.1", port: silent.address().port }],
      clock: { ...timeless, after: (_ms, done) => clock.after(300, done) },
      events,
    });
    const all = Array.from({ length: 1001 }, () => toSilent.resolve(query("outside.test"), "udp"));
    expect(await all.at(-1)).toBeUndefined();
    expect([closedAsked, refused]).toEqual([1002, 2]);
    await Promise.all(all);
    silent.close();
  });

  test("noise gets no answer and harms nobody; several questions and other operations are refused", async () => {
    const socket = createSocket("udp4");
    for (const noise of [Buffer.alloc(0), Buffer.from([1, 2, 3]), Buffer.alloc(600, 255)])
      socket.send(noise, server.port, "127.0.0.1");
    const two = encode({
      type: "query",
      id: 1,
      questions: [
        { name: "a", type: "A" },
        { name: "b", type: "A" },
      ],
    });
    expect(rcode(await udp(two))).toBe("FORMERR");
    const status = query("bar.foo.global");
    status[2] = 0x10;
    expect(rcode(await udp(status))).toBe("NOTIMP");
    socket.close();
  });
});
