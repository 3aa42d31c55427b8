import { describe, expect, test } from "bun:test";
import type { Transport } from "@heddle/dns";
import { type Answer, decode, encode, type RecordType } from "dns-packet";
import { networkPlan } from "../network/index.ts";
import type { Service } from "../service-proxy/index.ts";
import { createResponder } from "./responder.ts";
import type { StubDomain, Upstream } from "./upstream.ts";

const many = Array.from({ length: 60 }, (_, i) => `10.40.1.${i}`);
function service(name: string, change: Partial<Service>): Service {
  const base = { namespace: "shop", name, type: "ClusterIP", clusterIps: [], headless: false };
  return { ...base, externalIps: [], balancerIps: [], clientAffinity: false, ports: [], ...change };
}
const services: Record<string, Service> = {
  web: service("web", { clusterIps: ["10.140.1.1"] }),
  many: service("many", { clusterIps: many }),
  inside: service("inside", { type: "ExternalName", externalName: "web.shop.svc.cluster.local" }),
  outside: service("outside", { type: "ExternalName", externalName: "example.com" }),
  loop: service("loop", { type: "ExternalName", externalName: "loop.shop.svc.cluster.local" }),
};
const dead: Upstream = { resolve: () => Promise.resolve(undefined) };
/** Answers every A question with 9.9.9.9. */
const alive: Upstream = {
  resolve: async (query) => {
    const { id = 0, questions = [] } = decode(Buffer.from(query));
    const answers = questions.map((q): Answer => ({ type: "A", name: q.name, ttl: 60, data: "9.9.9.9" }));
    return encode({ type: "response", id, questions, answers });
  },
};

function responder(upstream: Upstream = dead, stubs: readonly StubDomain[] = []) {
  return createResponder({
    plan: networkPlan(0),
    data: {
      services: () => Object.values(services),
      service: (namespace, name) => (namespace === "shop" ? services[name] : undefined),
      slices: () => [],
      hasNamespace: (namespace) => namespace === "shop",
    },
    upstream,
    stubDomains: () => stubs,
    random: () => 0,
  });
}

async function ask(
  name: string,
  options: { type?: RecordType; transport?: Transport; edns?: number; upstream?: Upstream; stubs?: StubDomain[] } = {},
) {
  const query = encode({
    type: "query",
    id: 77,
    flags: 0x100,
    questions: [{ type: options.type ?? "A", name }],
    additionals:
      options.edns === undefined
        ? []
        : [
            {
              type: "OPT",
              name: ".",
              udpPayloadSize: options.edns,
              extendedRcode: 0,
              ednsVersion: 0,
              flags: 0,
              flag_do: false,
              options: [],
            },
          ],
  });
  const answer = await responder(options.upstream, options.stubs).respond(query, options.transport ?? "udp");
  const packet = decode(Buffer.from(answer ?? []));
  return {
    id: packet.id,
    code: (packet.flags ?? 0) & 15,
    truncated: ((packet.flags ?? 0) & 0x200) !== 0,
    authoritative: ((packet.flags ?? 0) & 0x400) !== 0,
    answers: (packet.answers ?? []).map((a) => ("data" in a ? `${a.type} ${a.data}` : a.type)),
    authorities: (packet.authorities ?? []).map((a) => a.type),
    size: answer?.length ?? 0,
  };
}

describe("answers", () => {
  test("carry the question's id and the authority bit", async () => {
    expect(await ask("web.shop.svc.cluster.local")).toMatchObject({
      id: 77,
      code: 0,
      authoritative: true,
      answers: ["A 10.140.1.1"],
    });
  });

  test("tell a missing name from a missing type, both with an SOA", async () => {
    expect(await ask("nope.shop.svc.cluster.local")).toMatchObject({ code: 3, answers: [], authorities: ["SOA"] });
    expect(await ask("web.shop.svc.cluster.local", { type: "AAAA" })).toMatchObject({
      code: 0,
      answers: [],
      authorities: ["SOA"],
    });
  });

  test("follow aliases inside and outside, and end when they run in a circle", async () => {
    expect((await ask("inside.shop.svc.cluster.local")).answers).toEqual([
      "CNAME web.shop.svc.cluster.local",
      "A 10.140.1.1",
    ]);
    expect((await ask("outside.shop.svc.cluster.local", { upstream: alive })).answers).toEqual([
      "CNAME example.com",
      "A 9.9.9.9",
    ]);
    expect((await ask("outside.shop.svc.cluster.local")).answers).toEqual(["CNAME example.com"]);
    expect(await ask("loop.shop.svc.cluster.local")).toMatchObject({ code: 2, answers: [] });
  });

  test("that don't fit a datagram are truncated; EDNS and TCP carry more", async () => {
    const plain = await ask("many.shop.svc.cluster.local");
    expect(plain).toMatchObject({ truncated: true, answers: [] });
    expect(plain.size).toBeLessThanOrEqual(512);
    expect((await ask("many.shop.svc.cluster.local", { edns: 4096 })).answers.length).toBe(60);
    expect((await ask("many.shop.svc.cluster.local", { transport: "tcp" })).answers.length).toBe(60);
  });

  test("of other names come from upstream; without one they fail at once", async () => {
    expect((await ask("example.com", { upstream: alive })).answers).toEqual(["A 9.9.9.9"]);
    expect(await ask("example.com")).toMatchObject({ code: 2 });
    expect(await ask("printer")).toMatchObject({ code: 3 });
  });

  test("of a stub domain come from its own resolver", async () => {
    const stubs = [{ domain: "consul", upstream: alive }];
    expect((await ask("web.service.consul", { stubs })).answers).toEqual(["A 9.9.9.9"]);
    expect(await ask("web.service.notconsul", { stubs })).toMatchObject({ code: 2 });
  });

  test("garbage gives no answer and does not throw", async () => {
    const subject = responder();
    for (let size = 0; size < 40; size++) {
      const bytes = Uint8Array.from({ length: size }, (_, i) => (i * 37 + size * 11) & 255);
      await subject.respond(bytes, "udp");
    }
    expect(await subject.respond(new Uint8Array(), "udp")).toBeUndefined();
  });
});
