import { join } from "node:path";
import { type Command, Option } from "commander";
import { readClusterAuthority, writeIntermediate, writeRoot } from "../ca/ca-files.ts";
import { type BundleForm, bundleOfCluster, bundleOfText, renderBundle, type TrustBundle } from "../ca/trust-bundle.ts";
import { type CliContext, UsageError } from "../context.ts";
import { globalOptions } from "../global-options.ts";
import { readInput } from "../install/values-file.ts";
import { findMeshNamespace } from "../mesh-namespace.ts";

const CLUSTER_NAME = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;

/** `heddle ca`: an offline root and a CA below it for each cluster of a mesh; `bundle` alone asks a cluster. */
export function addCa(program: Command, context: CliContext): void {
  if (context.dialect !== "heddle") return;
  const ca = program.command("ca").description("offline root and a CA for each cluster of one mesh");
  ca.command("root")
    .description("make a root: root-cert.pem, root-key.pem (P-256, ten years); keep the key away from clusters")
    .option("--out <folder>", "where to", "ca")
    .option("--name <text>", "common name", "Heddle Root CA")
    .option("--force", "replace one that is there")
    .action(async (flags: { readonly out: string; readonly name: string; readonly force?: boolean }) => {
      await writeRoot(flags.out, flags.name, Date.now(), flags.force === true);
      context.err(
        `${join(flags.out, "root-cert.pem")}, root-key.pem written; next: heddle ca intermediate --cluster NAME\n`,
      );
    });
  ca.command("intermediate")
    .description("make a cluster's CA below the root: ca-cert.pem, ca-key.pem, root-cert.pem, cert-chain.pem")
    .requiredOption("--cluster <name>", "name of the cluster")
    .option("--root <folder>", "where the root is (also one made with openssl)", "ca")
    .option("--out <folder>", "where to (default: a folder of the cluster's name beside the root)")
    .option("--force", "replace one that is there")
    .action(
      async (flags: {
        readonly cluster: string;
        readonly root: string;
        readonly out?: string;
        readonly force?: boolean;
      }) => {
        if (!CLUSTER_NAME.test(flags.cluster))
          throw new UsageError(`--cluster ${flags.cluster}: expected letters, digits, ".", "_" and "-"`);
        const out = flags.out ?? join(flags.root, flags.cluster);
        await writeIntermediate(flags.root, out, `Heddle CA ${flags.cluster}`, Date.now(), flags.force === true);
        const files = ["ca-cert.pem", "ca-key.pem", "root-cert.pem", "cert-chain.pem"];
        context.err(
          `CA of ${flags.cluster} written; next: kubectl create secret generic cacerts -n istio-system ${files.map((file) => `--from-file=${join(out, file)}`).join(" ")}\n`,
        );
      },
    );
  ca.command("check")
    .description("check the four files of a cluster's CA, also those made with openssl, as the control plane will")
    .argument("<folder>")
    .action((folder: string) => {
      const authority = readClusterAuthority(folder, Date.now());
      const subject = (text: string) => text.replaceAll("\n", ", ");
      context.out(
        [
          `CA       ${subject(authority.certificate.x509.subject)}`,
          `root     ${subject(authority.root.x509.subject)}, SHA-256 ${authority.root.fingerprint}`,
          `expires  ${new Date(authority.chainNotAfterMs).toISOString()}`,
          "",
        ].join("\n"),
      );
    });
  ca.command("bundle")
    .description("print who vouches for a mesh's identities, for MeshConfig caCertificates of a mesh with another root")
    .option("--from <file>", "a bundle of somebody else (PEM, or SPIFFE's JSON) instead of this cluster's")
    .option("--trust-domain <name>", "whose it is, with --from")
    .addOption(
      new Option("-o, --output <form>", "part of MeshConfig for heddle install -f, PEM, or SPIFFE's JSON")
        .choices(["mesh", "pem", "spiffe"])
        .default("mesh"),
    )
    .action(async (flags: BundleFlags, command: Command) => {
      context.out(renderBundle(await wantedBundle(flags, command, context), flags.output));
    });
}

interface BundleFlags {
  readonly from?: string;
  readonly trustDomain?: string;
  readonly output: BundleForm;
}

async function wantedBundle(flags: BundleFlags, command: Command, context: CliContext): Promise<TrustBundle> {
  if (flags.from !== undefined) {
    if (flags.trustDomain === undefined) throw new UsageError("--from needs --trust-domain: the file does not name it");
    return bundleOfText(readInput(flags.from, "--from"), flags.trustDomain, flags.from);
  }
  if (flags.trustDomain !== undefined)
    throw new UsageError("--trust-domain belongs to --from; a cluster says its own trust domain");
  const global = globalOptions(command);
  const kube = await context.kube(global);
  return bundleOfCluster(kube, await findMeshNamespace(kube, global));
}
