import { expect, test } from "bun:test";
import { loggedFailure } from "./logged-failure.ts";

test.each([
  [
    "EPROTO: error:100000f7:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER",
    "TLS_error:|268435703:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER:TLS_error_end",
  ],
  [
    "error:100000c0:SSL routines:OPENSSL_internal:PEER_DID_NOT_RETURN_A_CERTIFICATE; the client sent no certificate",
    "TLS_error:|268435648:SSL routines:OPENSSL_internal:PEER_DID_NOT_RETURN_A_CERTIFICATE:peer did not provide required client certificate:TLS_error_end",
  ],
  ["ECONNREFUSED: connection refused, read", "delayed connect error: Connection refused"],
  ["the client closed the connection during the handshake", ""],
  ["no TLS handshake within 300 ms", ""],
  ["unable to verify the first certificate; no root", "unable to verify the first certificate; no root"],
  ["", ""],
])("%s", (reason, wanted) => {
  expect(loggedFailure(reason)).toBe(wanted);
});
