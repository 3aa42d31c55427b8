import { expect, test } from "bun:test";
import { withHint } from "./handshake-hint.ts";
import { refusePeer } from "./san-check.ts";

test("a failed handshake names its likely cause", () => {
  expect(withHint("error:100000c0:SSL routines:OPENSSL_internal:PEER_DID_NOT_RETURN_A_CERTIFICATE")).toContain(
    "outside of the mesh",
  );
  expect(withHint("TLSV1_ALERT_UNKNOWN_CA")).toContain("caCertificates");
  expect(withHint("certificate has expired")).toContain("clocks");
  expect(withHint("WRONG_VERSION_NUMBER")).toBe("WRONG_VERSION_NUMBER");
  const peer = { uriSans: ["spiffe://west.example/ns/a/sa/b"], dnsSans: [], subject: "", certificate: undefined };
  const conditions = { sans: [], verifyChain: true, required: true, pins: undefined, checks: [] };
  expect(refusePeer(conditions, peer, "unable to verify the first certificate")).toBe(
    "CERTIFICATE_VERIFY_FAILED: unable to verify the first certificate of spiffe://west.example/ns/a/sa/b; no root that is trusted here issued it: do both meshes have one root, or each other's in MeshConfig caCertificates?",
  );
});
