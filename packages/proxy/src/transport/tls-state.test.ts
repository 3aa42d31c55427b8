import { expect, test } from "bun:test";
import type { NativeSocket } from "./bun-socket.ts";
import { createHandshakeReader } from "./tls-state.ts";

/** A finished handshake with the certificate of number `n`; counts how often that is taken apart. */
function createPeers() {
  let parsed = 0;
  const socket = (n: number) =>
    ({
      alpnProtocol: "istio",
      getServername: () => "",
      isSessionReused: () => false,
      getTLSVersion: () => "TLSv1.3",
      getCipher: () => ({ name: "TLS_AES_128_GCM_SHA256" }),
      getPeerX509Certificate: () => ({ raw: Buffer.from(`certificate ${n}`) }),
      getPeerCertificate: () => {
        parsed++;
        return { raw: Buffer.from(`certificate ${n}`), subject: { CN: `${n}` }, subjectaltname: `URI:spiffe://a/${n}` };
      },
    }) as unknown as NativeSocket;
  return { socket, parsed: () => parsed };
}

test("a certificate is taken apart once, and again when 256 others came since it was first seen", () => {
  const reader = createHandshakeReader();
  const peers = createPeers();
  const name = (n: number) => reader.read(peers.socket(n)).peer?.uriSans;
  for (let round = 0; round < 3; round++) expect(name(0)).toEqual(["spiffe://a/0"]);
  expect(peers.parsed()).toBe(1);
  for (let n = 1; n < 256; n++) expect(name(n)).toEqual([`spiffe://a/${n}`]);
  expect(name(0)).toEqual(["spiffe://a/0"]);
  expect(peers.parsed()).toBe(256);
  // The oldest one goes.
  name(256);
  expect(name(255)).toEqual(["spiffe://a/255"]);
  expect(peers.parsed()).toBe(257);
  expect(name(0)).toEqual(["spiffe://a/0"]);
  expect(peers.parsed()).toBe(258);
});

test("a peer without a certificate has no identity", () => {
  const socket = { ...createPeers().socket(1), getPeerX509Certificate: () => undefined } as unknown as NativeSocket;
  expect(createHandshakeReader().read(socket).peer).toBeUndefined();
});
