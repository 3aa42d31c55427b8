import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { isMap, isSeq, parseDocument, stringify, type YAMLMap } from "yaml";
import { ClusterProblem, fileProblem } from "./cluster-problem.ts";
import type { AdminAccess } from "./node-link.ts";

/** A kubeconfig whose only context, named as the cluster, is the current one. */
export function kubeconfigText(name: string, server: string, access: AdminAccess): string {
  const authority = Buffer.from(access.caPem).toString("base64");
  return stringify(
    {
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name, cluster: { server, "certificate-authority-data": authority } }],
      users: [{ name, user: { token: access.token } }],
      contexts: [{ name, context: { cluster: name, user: name } }],
      "current-context": name,
    },
    { lineWidth: 0 },
  );
}

/** The file that kubectl would write to. */
export function userKubeconfig(env: Readonly<Record<string, string | undefined>>): string {
  const first = env["KUBECONFIG"]?.split(":").find((path) => path !== "");
  return first ?? join(env["HOME"] ?? homedir(), ".kube", "config");
}

/** Adds or replaces the entries called `name` in the user's kubeconfig and makes that context current. Comments and other entries stay. */
export function mergeKubeconfig(target: string, name: string, ownText: string): void {
  changeKubeconfig(target, (document) => {
    const own = parseDocument(ownText);
    for (const list of ["clusters", "users", "contexts"]) {
      removeEntry(document, list, name);
      const [entry] = sequence(own, list).items;
      const items = sequence(document, list);
      items.add(entry);
    }
    document.set("apiVersion", "v1");
    document.set("kind", "Config");
    document.set("current-context", name);
  });
}

/** Takes the entries called `name` out again. */
export function unmergeKubeconfig(target: string, name: string): void {
  if (!existsSync(target)) return;
  changeKubeconfig(target, (document) => {
    for (const list of ["clusters", "users", "contexts"]) removeEntry(document, list, name);
    if (document.get("current-context") === name) document.delete("current-context");
  });
}

type KubeconfigDocument = ReturnType<typeof parseDocument>;

function changeKubeconfig(target: string, change: (document: KubeconfigDocument) => void): void {
  try {
    mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
    const document = parseDocument(
      existsSync(target) ? readFileSync(target, "utf8") : "apiVersion: v1\nkind: Config\n",
    );
    const [problem] = document.errors;
    if (problem !== undefined || !isMap(document.contents)) {
      throw new ClusterProblem(
        `${target} is no kubeconfig (${problem?.message ?? "not a map"}); mend it or leave --merge out`,
      );
    }
    change(document);
    writeFileSync(target, document.toString({ lineWidth: 0 }), { mode: 0o600 });
    chmodSync(target, 0o600);
  } catch (error) {
    throw fileProblem(target, error);
  }
}

function sequence(document: KubeconfigDocument, key: string) {
  const present = document.get(key);
  if (isSeq(present)) return present;
  document.set(key, document.createNode([]));
  const made = document.get(key);
  if (!isSeq(made)) throw new Error(`list ${key} could not be made`);
  return made;
}

function removeEntry(document: KubeconfigDocument, list: string, name: string): void {
  const items = sequence(document, list);
  items.items = items.items.filter((item) => !(isMap(item) && (item as YAMLMap).get("name") === name));
}
