import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  type Authority,
  type AuthorityMaterial,
  createAuthority,
  createIntermediate,
  createSelfSignedRoot,
} from "@heddle/identity";
import { UsageError } from "../context.ts";

/** An offline root, named as Istio's certificate tool does. */
export const ROOT_FILES = { caCert: "root-cert.pem", caKey: "root-key.pem" } as const;

/** A cluster's CA, named as Secret `cacerts` has them. */
export const CLUSTER_FILES = {
  caCert: "ca-cert.pem",
  caKey: "ca-key.pem",
  rootCert: "root-cert.pem",
  certChain: "cert-chain.pem",
} as const;

/** Makes a root in `directory`. Errors: UsageError, also where one is already (clusters may rely on it). */
export async function writeRoot(directory: string, name: string, nowMs: number, force: boolean): Promise<void> {
  const root = await createSelfSignedRoot(name, nowMs);
  writeFiles(
    directory,
    [
      [ROOT_FILES.caCert, root.caCert],
      [ROOT_FILES.caKey, root.caKey],
    ],
    force,
  );
}

/**
 * Makes a CA for a cluster below the root of `rootDirectory`, which may come from openssl (RSA or EC), and may be an intermediate itself
 * (ca-cert.pem, ca-key.pem). Errors: UsageError naming the file.
 */
export async function writeIntermediate(
  rootDirectory: string,
  directory: string,
  name: string,
  nowMs: number,
  force: boolean,
): Promise<void> {
  const parent = readParent(rootDirectory);
  checked(parent, rootDirectory, nowMs);
  const made = await createIntermediate(parent, name, nowMs);
  checked(made, directory, nowMs);
  writeFiles(
    directory,
    [
      [CLUSTER_FILES.caCert, made.caCert],
      [CLUSTER_FILES.caKey, made.caKey],
      [CLUSTER_FILES.rootCert, made.rootCert ?? ""],
      [CLUSTER_FILES.certChain, made.certChain ?? ""],
    ],
    force,
  );
}

/** Reads and checks the four files of a cluster. Errors: UsageError with every problem, file by file. */
export function readClusterAuthority(directory: string, nowMs: number): Authority {
  const material = {
    caCert: read(directory, CLUSTER_FILES.caCert),
    caKey: read(directory, CLUSTER_FILES.caKey),
    rootCert: read(directory, CLUSTER_FILES.rootCert),
    certChain: read(directory, CLUSTER_FILES.certChain),
  };
  return checked(material, directory, nowMs);
}

function readParent(directory: string): AuthorityMaterial {
  if (existsSync(join(directory, ROOT_FILES.caKey)))
    return { caCert: read(directory, ROOT_FILES.caCert), caKey: read(directory, ROOT_FILES.caKey) };
  if (!existsSync(join(directory, CLUSTER_FILES.caKey)))
    throw new UsageError(
      `${directory} holds no root: ${ROOT_FILES.caCert} and ${ROOT_FILES.caKey} are looked for there; heddle ca root makes them, --root names another folder`,
    );
  return {
    caCert: read(directory, CLUSTER_FILES.caCert),
    caKey: read(directory, CLUSTER_FILES.caKey),
    rootCert: read(directory, CLUSTER_FILES.rootCert),
    certChain: read(directory, CLUSTER_FILES.certChain),
  };
}

function checked(material: AuthorityMaterial, directory: string, nowMs: number): Authority {
  const made = createAuthority(material, nowMs);
  if (made.ok) return made.value;
  // A root's files have names of their own.
  const nameOf = (file: string) => (material.rootCert === undefined ? file.replace(/^ca-/, "root-") : file);
  throw new UsageError(made.error.map(({ file, reason }) => `${join(directory, nameOf(file))}: ${reason}`).join("\n"));
}

function read(directory: string, name: string): string {
  const path = join(directory, name);
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
    throw new UsageError(
      `${path}: ${missing ? "there is no such file" : error instanceof Error ? error.message : error}`,
    );
  }
}

function writeFiles(directory: string, files: readonly (readonly [string, string])[], force: boolean): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o755 });
    const present = files.find(([name]) => existsSync(join(directory, name)));
    if (present !== undefined && !force)
      throw new UsageError(
        `${join(directory, present[0])} is there already; clusters may rely on it. --force replaces it, --out names another folder`,
      );
    for (const [name, text] of files) {
      const path = join(directory, name);
      const mode = name.endsWith("key.pem") ? 0o600 : 0o644;
      writeFileSync(path, text, { mode });
      chmodSync(path, mode);
    }
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${directory} can't be written: ${error instanceof Error ? error.message : error}`);
  }
}
