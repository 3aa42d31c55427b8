import { join } from "node:path";
import type { Command } from "commander";
import { readClusterAuthority, writeIntermediate, writeRoot } from "../ca/ca-files.ts";
import { type CliContext, UsageError } from "../context.ts";

const CLUSTER_NAME = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;

/** `heddle ca`: an offline root and a CA below it for each cluster of a mesh. No cluster is asked. */
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
}
