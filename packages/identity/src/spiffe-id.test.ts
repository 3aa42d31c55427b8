import { expect, test } from "bun:test";
import { matchPeer, parseSpiffeId, peerIdentity, renewalDelay, workloadId } from "./index.ts";

test("ids are made and read back", () => {
  const made = workloadId({ trustDomain: "cluster.local", namespace: "a-b", serviceAccount: "x.y" });
  expect(made).toMatchObject({ ok: true, value: "spiffe://cluster.local/ns/a-b/sa/x.y" });
  expect(parseSpiffeId("spiffe://cluster.local/ns/a-b/sa/x.y")).toMatchObject({
    ok: true,
    value: { namespace: "a-b", serviceAccount: "x.y" },
  });
});

test.each([
  "",
  "http://a/ns/b/sa/c",
  "spiffe://a/ns/b",
  "spiffe://A/ns/b/sa/c",
  "spiffe://a/ns/b/sa/c/d",
  "spiffe://a/ns//sa/c",
  "spiffe://a/ns/b/sa/c?x",
  "spiffe://a/ns/b/sa/c#x",
  "spiffe://a:80/ns/b/sa/c",
  "spiffe://a/ns/../sa/c",
  "spiffe://a/ns/b/sa/c\n",
])("%p is no identity", (text) => {
  expect(parseSpiffeId(text).ok).toBe(false);
});

const id = "spiffe://td/ns/a/sa/b";

test("a peer has exactly one identity", () => {
  expect(peerIdentity(`URI:${id}`)).toMatchObject({ ok: true, value: { id } });
  expect(peerIdentity(`DNS:x, URI:${id}, IP Address:1.2.3.4`)).toMatchObject({ ok: true });
  expect(peerIdentity(undefined).ok).toBe(false);
  expect(peerIdentity("DNS:x").ok).toBe(false);
  expect(peerIdentity(`URI:${id}, URI:spiffe://td/ns/a/sa/c`)).toMatchObject({
    ok: false,
    error: expect.stringContaining("2 SPIFFE ids"),
  });
});

test("a name that only looks like another name is not one", () => {
  expect(peerIdentity(`DNS:"x, URI:${id}"`).ok).toBe(false);
  expect(peerIdentity(`URI:"${id}, DNS:y"`).ok).toBe(false);
});

test("peers are matched by id and trust domain", () => {
  const peer = peerIdentity(`URI:${id}`);
  if (!peer.ok) throw new Error(peer.error);
  expect(matchPeer(peer.value, { ids: new Set([id]), trustDomains: new Set(["td"]) }).ok).toBe(true);
  expect(matchPeer(peer.value, { ids: new Set(["spiffe://td/ns/a/sa/c"]) })).toMatchObject({
    ok: false,
    error: `the peer is ${id}, expected spiffe://td/ns/a/sa/c`,
  });
  expect(matchPeer(peer.value, { ids: new Set() }).ok).toBe(false);
  expect(matchPeer(peer.value, { trustDomains: new Set(["other"]) }).ok).toBe(false);
});

test("renewal comes at half of the life, spread by a hundredth", () => {
  const life = { notBeforeMs: 0, notAfterMs: 1000, nowMs: 0 };
  expect(renewalDelay({ ...life, random: 0.5 })).toBe(500);
  expect(renewalDelay({ ...life, random: 0 })).toBe(510);
  expect(renewalDelay({ ...life, nowMs: 900, random: 0 })).toBe(0);
});
