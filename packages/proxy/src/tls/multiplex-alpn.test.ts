import { expect, test } from "bun:test";
import { chooseAlpn, MULTIPLEX_ALPN, offerMultiplex } from "./multiplex-alpn.ts";

const MESH = ["istio-http/1.1", "istio-h2"];

test("only the mesh's HTTP/1.1 is offered over shared connections, and as one choice of several", () => {
  expect(offerMultiplex(MESH)).toEqual([MULTIPLEX_ALPN, ...MESH]);
  expect(offerMultiplex(["istio"])).toBeUndefined();
  expect(offerMultiplex(["http/1.1"])).toBeUndefined();
  expect(offerMultiplex(undefined)).toBeUndefined();
});

test("a server takes it where it serves HTTP, else its own best", () => {
  const own = ["istio-h2", "istio-http/1.1"];
  expect(chooseAlpn(own, [MULTIPLEX_ALPN, ...MESH], true)).toBe(MULTIPLEX_ALPN);
  expect(chooseAlpn(own, [MULTIPLEX_ALPN, ...MESH], false)).toBe("istio-h2");
  expect(chooseAlpn(own, MESH, true)).toBe("istio-h2");
  expect(chooseAlpn(own, ["other"], true)).toBeUndefined();
});
