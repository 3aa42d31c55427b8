import { expect, test } from "bun:test";
import { createSessionStore } from "./session-store.ts";

const kept = (n: number, more: { once?: boolean; sni?: string; untilMs?: number } = {}) => ({
  session: Uint8Array.of(n),
  sni: "a.test",
  once: true,
  untilMs: Number.POSITIVE_INFINITY,
  ...more,
});

test("a TLS 1.3 session is used once, the newest first, and no more are kept than were asked for", () => {
  const store = createSessionStore(2, () => 0);
  for (const n of [1, 2, 3]) store.keep(kept(n));
  expect([1, 2, 3].map(() => store.take("a.test")?.[0])).toEqual([3, 2, undefined]);
});

test("a TLS 1.2 session is used again until a newer one comes", () => {
  const store = createSessionStore(1, () => 0);
  store.keep(kept(1, { once: false }));
  expect([1, 2].map(() => store.take("a.test")?.[0])).toEqual([1, 1]);
  store.keep(kept(2, { once: false }));
  expect(store.take("a.test")?.[0]).toBe(2);
});

test("a session is for the name that its server was asked by", () => {
  const store = createSessionStore(2, () => 0);
  store.keep(kept(1));
  store.keep(kept(2, { sni: "b.test" }));
  expect(["a.test", "c.test", "b.test"].map((sni) => store.take(sni)?.[0])).toEqual([1, undefined, 2]);
});

test("a session ends with the certificate of its handshake", () => {
  let nowMs = 99;
  const store = createSessionStore(1, () => nowMs);
  store.keep(kept(1, { once: false, untilMs: 100 }));
  expect(store.take("a.test")?.[0]).toBe(1);
  nowMs = 100;
  expect(store.take("a.test")).toBeUndefined();
});
