import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { type AuthorityMaterial, createIntermediate, createSelfSignedRoot } from "@heddle/identity";
import type { KubeObject } from "@heddle/kube-client";
import { at } from "@heddle/std";
import { waitForPods } from "../src/demo/wait.ts";
import { fetchDump } from "../src/proxy-config/dump.ts";
import { pemOf } from "../src/proxy-config/secrets.ts";
import {
  echoPod,
  eventually,
  injectedNamespace,
  type MeshCluster,
  NAMESPACE,
  startMeshCluster,
  strict,
} from "./mesh-cluster.ts";

setDefaultTimeout(150_000);

const shortLife = {
  "proxy.istio.io/config": JSON.stringify({
    proxyMetadata: { SECRET_TTL: "60s", SECRET_GRACE_PERIOD_RATIO: "0.9" },
  }),
};

function cacerts(material: AuthorityMaterial): KubeObject {
  const encode = (text: string | undefined) => Buffer.from(text ?? "").toString("base64");
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "cacerts", namespace: "istio-system" },
    data: {
      "ca-cert.pem": encode(material.caCert),
      "ca-key.pem": encode(material.caKey),
      "root-cert.pem": encode(material.rootCert),
      "cert-chain.pem": encode(material.certChain),
    },
  };
}

describe("a CA of one's own, below an intermediate", () => {
  let mesh: MeshCluster;
  let root: AuthorityMaterial;

  beforeAll(async () => {
    root = await createSelfSignedRoot("corp", Date.now());
    const region = await createIntermediate(root, "region", Date.now());
    const first = await createIntermediate(region, "first-ca", Date.now());
    mesh = await startMeshCluster("test-identity", [
      { apiVersion: "v1", kind: "Namespace", metadata: { name: "istio-system" } },
      cacerts(first),
    ]);
    await mesh.kube.applyObjects([
      injectedNamespace,
      strict,
      ...echoPod("caller", shortLife),
      ...echoPod("server", shortLife),
    ]);
    await waitForPods(mesh.kube, NAMESPACE, 2, 120_000, () => undefined);
  }, 300_000);

  afterAll(async () => {
    await mesh?.close();
  }, 60_000);

  /** Names in the chain that a proxy shows: the leaf's issuer and so on up. */
  const issuers = async (pod: string): Promise<readonly string[]> => {
    const { secrets } = await fetchDump(mesh.kube, NAMESPACE, pod);
    const pem = pemOf(at(secrets.find((s) => s.name === "default")?.secret, "tls_certificate", "certificate_chain"));
    const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
    return blocks.map((block) => new X509Certificate(block).issuer.replace(/^(O|CN)=/, ""));
  };
  const roots = async (pod: string): Promise<string> => {
    const { secrets } = await fetchDump(mesh.kube, NAMESPACE, pod);
    return pemOf(at(secrets.find((s) => s.name === "ROOTCA")?.secret, "validation_context", "trusted_ca"));
  };
  const background = () => mesh.ask<{ ok: number; failed: number; lastError: string }>("caller", "/background");
  const requestsGoOn = async () => {
    const { ok } = await background();
    await eventually("more requests", async () => (await background()).ok > ok + 20);
    expect(await background()).toMatchObject({ failed: 0, lastError: "" });
  };

  test("workloads show the whole chain up to the root, and talk", async () => {
    expect(await issuers("server")).toEqual(["first-ca", "region", "corp"]);
    await mesh.ask("caller", `/load?url=${encodeURIComponent("http://server:8080/health")}`);
    await requestsGoOn();
  });

  test("another intermediate of the same root takes over while requests go on", async () => {
    const second = await createIntermediate(root, "second-ca", Date.now());
    await mesh.kube.applyObjects([cacerts(second)]);
    await eventually("both certificates from the new CA", async () =>
      [await issuers("caller"), await issuers("server")].every((chain) => chain[0] === "second-ca"),
    );
    expect(await issuers("server")).toEqual(["second-ca", "corp"]);
    await requestsGoOn();
  });

  test("a second root beside the first is trusted everywhere long before half of a life is over", async () => {
    const other = await createSelfSignedRoot("merged", Date.now());
    const third = await createIntermediate(root, "third-ca", Date.now());
    await mesh.kube.applyObjects([cacerts({ ...third, rootCert: `${root.caCert}${other.caCert}` })]);
    await eventually("both roots in both pods", async () =>
      (await Promise.all(["caller", "server"].map(roots))).every((pem) => pem.includes(other.caCert.trim())),
    );
    await requestsGoOn();
  });

  test("a CA whose key does not fit is refused with the file's name, and the CA before stays in force", async () => {
    const [third, stranger] = [await createIntermediate(root, "broken-ca", Date.now()), root];
    await mesh.kube.applyObjects([cacerts({ ...third, caKey: stranger.caKey })]);
    const log = await eventually("the reason in the log", async () => {
      const pods = await mesh.kube.list(
        { apiVersion: "v1", kind: "Pod", namespace: "istio-system" },
        { labelSelector: "app=istiod" },
      );
      const name = pods.items[0]?.metadata.name ?? "";
      const text = await (
        await mesh.kube.request("GET", `/api/v1/namespaces/istio-system/pods/${name}/log`, { query: {} })
      ).text();
      return text.includes("the CA before stays in force") && text;
    });
    expect(log).toContain("ca-key.pem does not belong to ca-cert.pem");
    expect(log).not.toContain("PRIVATE KEY");
    await requestsGoOn();
  });
});
