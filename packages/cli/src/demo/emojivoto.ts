import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { JsonObject } from "@heddle/config";
import { annotateManifest } from "@heddle/inject";
import type { KubeObject } from "@heddle/kube-client";
import { parseAllDocuments } from "yaml";

export const EMOJIVOTO_NAMESPACE = "emojivoto";

/** The published manifest with the mesh's annotations, as `heddle inject` would write them. */
export async function injectedEmojivoto(root: string): Promise<readonly KubeObject[]> {
  const text = await readFile(join(root, "samples/emojivoto/emojivoto.yml"), "utf8");
  const objects = parseAllDocuments(text).map((d): JsonObject => d.toJS());
  return objects.map(
    (o) => annotateManifest(o, { mode: "enabled", annotations: {} }).object as KubeObject & JsonObject,
  );
}

/** The bot's Deployment with another rate. Units: rounds per second, two requests each. */
export function withRequestRate(objects: readonly KubeObject[], rate: number): readonly KubeObject[] {
  const add = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(add);
    if (typeof value !== "object" || value === null) return value;
    if ("name" in value && value.name === "WEB_HOST") return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [
        key,
        key === "env" && Array.isArray(inner) ? [...inner, { name: "REQUEST_RATE", value: String(rate) }] : add(inner),
      ]),
    );
  };
  return objects.map((o) => (o.kind === "Deployment" && o.metadata.name === "vote-bot" ? (add(o) as KubeObject) : o));
}
