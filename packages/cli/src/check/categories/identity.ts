import { X509Certificate } from "node:crypto";
import { at, listOf, textOf } from "@heddle/std";
import type { CheckCategory, CheckTarget } from "../check.ts";

const DAY_MS = 86_400_000;

/** The issuing certificate with its root: the plugged-in CA when there is one, else the self-signed. */
async function issuer(target: CheckTarget): Promise<{
  issuer: X509Certificate;
  roots: readonly X509Certificate[];
  chain: readonly X509Certificate[];
  secret: string;
}> {
  const kube = await target.client();
  const get = (name: string) => kube.find({ apiVersion: "v1", kind: "Secret", name, namespace: target.meshNamespace });
  const plugged = await get("cacerts");
  const secret = plugged ?? (await get("istio-ca-secret"));
  if (!secret)
    throw new Error(
      "neither Secret cacerts nor istio-ca-secret exists; the control plane makes the latter when it starts, see its log",
    );
  const pem = (key: string) => Buffer.from(textOf(at(secret, "data", key)), "base64").toString("utf8");
  const own = pem("ca-cert.pem");
  if (!own) throw new Error(`Secret ${secret.metadata.name} has no ca-cert.pem`);
  return {
    issuer: new X509Certificate(own),
    roots: certificates(pem("root-cert.pem") || own),
    chain: certificates(pem("cert-chain.pem")),
    secret: secret.metadata.name,
  };
}

function certificates(pem: string): X509Certificate[] {
  return (pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? []).map(
    (c) => new X509Certificate(c),
  );
}

function assertValid(certificate: X509Certificate, what: string, now: Date, spareDays: number): void {
  const from = new Date(certificate.validFrom);
  const to = new Date(certificate.validTo);
  if (now < from) throw new Error(`${what} is not valid before ${from.toISOString()}; is a clock wrong?`);
  if (now >= to) throw new Error(`${what} expired on ${to.toISOString()}; replace it`);
  if (to.getTime() - now.getTime() < spareDays * DAY_MS) throw new Error(`${what} will expire on ${to.toISOString()}`);
}

/** Whether a certificate's issuers, found in `chain`, end at one of the roots. */
function leadsTo(
  certificate: X509Certificate,
  roots: readonly X509Certificate[],
  chain: readonly X509Certificate[],
): boolean {
  if (roots.some((r) => r.raw.equals(certificate.raw) || certificate.verify(r.publicKey))) return true;
  const above = chain.find((c) => !c.raw.equals(certificate.raw) && certificate.verify(c.publicKey));
  return (
    above !== undefined &&
    leadsTo(
      above,
      roots,
      chain.filter((c) => c !== above),
    )
  );
}

const SUPPORTED = new Set(["ec", "rsa"]);

export const identity: CheckCategory = {
  name: "linkerd-identity",
  items: [
    {
      description: "certificate config is valid",
      anchor: "l5d-identity-cert-config-valid",
      severity: "fatal",
      retry: true,
      run: async (target) => void (await issuer(target)),
    },
    {
      description: "trust anchors are using supported crypto algorithm",
      anchor: "l5d-identity-trustAnchors-use-supported-crypto",
      severity: "fatal",
      run: async (target) => {
        for (const root of (await issuer(target)).roots) {
          const type = root.publicKey.asymmetricKeyType ?? "unknown";
          if (!SUPPORTED.has(type)) throw new Error(`trust anchor uses ${type}; EC and RSA are supported`);
        }
      },
    },
    {
      description: "trust anchors are within their validity period",
      anchor: "l5d-identity-trustAnchors-are-time-valid",
      severity: "fatal",
      run: async (target) => {
        for (const root of (await issuer(target)).roots) assertValid(root, "trust anchor", target.now(), 0);
      },
    },
    {
      description: "trust anchors are valid for at least 60 days",
      anchor: "l5d-identity-trustAnchors-not-expiring-soon",
      severity: "warning",
      run: async (target) => {
        for (const root of (await issuer(target)).roots) assertValid(root, "trust anchor", target.now(), 60);
      },
    },
    {
      description: "issuer cert is within its validity period",
      anchor: "l5d-identity-issuer-cert-is-time-valid",
      severity: "fatal",
      run: async (target) => assertValid((await issuer(target)).issuer, "issuer certificate", target.now(), 0),
    },
    {
      description: "issuer cert is valid for at least 60 days",
      anchor: "l5d-identity-issuer-cert-not-expiring-soon",
      severity: "warning",
      run: async (target) => assertValid((await issuer(target)).issuer, "issuer certificate", target.now(), 60),
    },
    {
      description: "issuer cert is issued by the trust anchor",
      anchor: "l5d-identity-issuer-cert-issued-by-trust-anchor",
      severity: "fatal",
      run: async (target) => {
        const { issuer: certificate, roots, chain, secret } = await issuer(target);
        if (!leadsTo(certificate, roots, chain)) {
          throw new Error(
            `ca-cert.pem of Secret ${secret} is not signed by its root-cert.pem; intermediates between them belong in cert-chain.pem`,
          );
        }
      },
    },
  ],
};

export const webhooks: CheckCategory = {
  name: "linkerd-webhooks-and-apisvc-tls",
  items: [
    {
      description: "proxy-injector webhook has valid cert",
      anchor: "l5d-proxy-injector-webhook-cert-valid",
      severity: "fatal",
      retry: true,
      run: async (target) => {
        const kube = await target.client();
        const configuration = await kube.get({
          apiVersion: "admissionregistration.k8s.io/v1",
          kind: "MutatingWebhookConfiguration",
          name: "istio-sidecar-injector",
        });
        for (const webhook of listOf(at(configuration, "webhooks"))) {
          const bundle = Buffer.from(textOf(at(webhook, "clientConfig", "caBundle")), "base64").toString("utf8");
          const name = textOf(at(webhook, "name"));
          if (!bundle)
            throw new Error(`webhook ${name} has no caBundle yet; the control plane writes it when it is ready`);
          for (const certificate of certificates(bundle))
            assertValid(certificate, `CA of webhook ${name}`, target.now(), 0);
        }
      },
    },
  ],
};
