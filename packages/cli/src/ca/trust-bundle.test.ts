import { expect, test } from "bun:test";
import { parseMeshConfig } from "@heddle/config";
import { createSelfSignedRoot } from "@heddle/identity";
import { parse } from "yaml";
import { bundleOfText, renderBundle } from "./trust-bundle.ts";

const pem = (await createSelfSignedRoot("west.example", Date.now())).caCert;

test("a bundle goes out as SPIFFE's JSON and comes back as the part of MeshConfig that takes it", () => {
  const json = renderBundle(bundleOfText(pem, "west.example", "x.pem"), "spiffe");
  expect(JSON.parse(json)).toMatchObject({ keys: [{ use: "x509-svid", kty: "EC" }] });
  const mesh = parse(renderBundle(bundleOfText(json, "west.example", "x.json"), "mesh")) as { meshConfig: object };
  const parsed = parseMeshConfig(JSON.stringify(mesh.meshConfig));
  expect(parsed.ok && parsed.value.caCertificates).toMatchObject([{ trustDomains: ["west.example"] }]);
  expect(renderBundle(bundleOfText(json, "west.example", "x.json"), "pem").trim()).toBe(pem.trim());
});

test("what holds no root is refused with the file's name", () => {
  expect(() => bundleOfText("hello", "a", "x.pem")).toThrow("x.pem: holds no root");
  expect(() => bundleOfText("{", "a", "x.json")).toThrow("x.json: neither PEM nor JSON");
  expect(() => bundleOfText('{"keys":[{"use":"jwt-svid","kid":"1"}]}', "a", "x.json")).toThrow("keys of use x509-svid");
});
