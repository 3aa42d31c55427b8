import { expect, test } from "bun:test";
import type { ClientTls } from "@heddle/config";
import { clientTls, withoutSecret } from "./client-tls.ts";

const mutual: ClientTls = { mode: "MUTUAL", subjectAltNames: [], credentialName: "client" };
const shown = (tls: ClientTls) => new TextDecoder("latin1").decode(bytes(tls));

function bytes(tls: ClientTls): Uint8Array {
  const config = clientTls(tls, "api.example", []).configType;
  return (config?.case === "typedConfig" && config.value.value) || new Uint8Array();
}

test("a rule with a Secret asks for it by name", () => {
  expect(shown(mutual)).toContain("kubernetes://client");
  expect(shown(mutual)).toContain("kubernetes://client-cacert");
});

test("without the Secret there is still TLS: by files, or by the system's roots and no certificate of its own", () => {
  const bare = withoutSecret(mutual);
  expect(bare).toEqual({ mode: "SIMPLE", subjectAltNames: [] });
  expect(shown(bare)).not.toContain("kubernetes://");
  expect(shown(bare)).toContain("/etc/ssl/certs/");
  const files = { clientCertificate: "/certs/tls.crt", privateKey: "/certs/tls.key" };
  expect(withoutSecret({ ...mutual, ...files })).toEqual({ mode: "MUTUAL", subjectAltNames: [], ...files });
});
