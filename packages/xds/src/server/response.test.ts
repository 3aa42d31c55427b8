import { expect, test } from "bun:test";
import { fromBinary } from "@bufbuild/protobuf";
import { typeUrls } from "@heddle/xds-api";
import {
  DeltaDiscoveryResponseSchema,
  DiscoveryResponseSchema,
} from "@heddle/xds-api/envoy/service/discovery/v3/discovery";
import {
  createPiecedResource,
  createResponseEncoder,
  type EncodedResource,
  encodeDeltaResponse,
  encodeSotwResponse,
  type OutgoingResponse,
} from "../index.ts";

const resource = (i: number): EncodedResource => ({
  name: `größe-${i}`,
  version: `v${i}`,
  body: new Uint8Array(40 + (i % 200)).fill(i % 251),
});
const many = Array.from({ length: 2000 }, (_, i) => resource(i));
const response = (resources: readonly EncodedResource[], nonce: string): OutgoingResponse => ({
  typeUrl: typeUrls.cluster,
  version: "7",
  nonce,
  resources,
  removed: ["gone"],
});

test("shared bytes say the same to each client, under its own nonce", () => {
  const encoder = createResponseEncoder();
  for (const nonce of ["1", "2"]) {
    const decoded = fromBinary(DeltaDiscoveryResponseSchema, encoder.encode("delta", response([...many], nonce)));
    expect(decoded).toMatchObject({
      nonce,
      systemVersionInfo: "7",
      typeUrl: typeUrls.cluster,
      removedResources: ["gone"],
    });
    expect(decoded.resources.map(({ name, version }) => `${name} ${version}`)).toEqual(
      many.map(({ name, version }) => `${name} ${version}`),
    );
    expect(
      decoded.resources.every(({ resource: any }, i) =>
        Buffer.from(any?.value ?? []).equals(many[i]?.body ?? Buffer.alloc(0)),
      ),
    ).toBe(true);
    const sotw = fromBinary(DiscoveryResponseSchema, encoder.encode("sotw", { ...response(many, nonce), removed: [] }));
    expect(sotw).toMatchObject({ nonce, versionInfo: "7" });
    expect(sotw.resources.every((any, i) => Buffer.from(any.value).equals(many[i]?.body ?? Buffer.alloc(0)))).toBe(
      true,
    );
  }
});

test("a list that differs in one resource is not taken for the kept one, and the limit holds", () => {
  const encoder = createResponseEncoder(300_000);
  for (let i = 0; i < 5; i++) {
    const changed = many.map((one, k) => (k === i ? { ...one, version: `new-${i}` } : one));
    const decoded = fromBinary(DeltaDiscoveryResponseSchema, encoder.encode("delta", response(changed, "1")));
    expect(decoded.resources.filter(({ version }) => version.startsWith("new"))).toHaveLength(1);
    expect(decoded.resources[i]?.version).toBe(`new-${i}`);
  }
  encoder.forget();
  expect(fromBinary(DeltaDiscoveryResponseSchema, encoder.encode("delta", response(many, "9"))).nonce).toBe("9");
});

test("a resource in pieces says the same as one in one piece", () => {
  const pieces = [new Uint8Array([1, 2]), new Uint8Array(0), new Uint8Array(300).fill(7)];
  const pieced = createPiecedResource("p", "1", pieces);
  const plain: EncodedResource = { name: "p", version: "1", body: pieced.body };
  expect(plain.body.length).toBe(302);
  for (const encode of [encodeSotwResponse, encodeDeltaResponse])
    expect(Buffer.from(encode(response([pieced], "1"))).equals(Buffer.from(encode(response([plain], "1"))))).toBe(true);
});
