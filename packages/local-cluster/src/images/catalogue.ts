import { parseImageReference } from "./reference.ts";

/** What stands behind a name on a container's PATH. */
export type ImageProgram =
  /** TypeScript entry file, relative to the repository. */
  | { readonly kind: "script"; readonly entry: string }
  /** A program of this machine; `install` says how to get it. */
  | { readonly kind: "host"; readonly program: string; readonly install: string | undefined };

/** One image: a name that stands for programs of this repository or of the machine. */
export interface CatalogueImage {
  readonly repository: string;
  readonly aliases: readonly string[];
  /** Undefined: every tag. */
  readonly tags: readonly string[] | undefined;
  readonly entrypoint: readonly string[];
  /** Default arguments; a container's `args` replace them. */
  readonly cmd: readonly string[];
  readonly programs: Readonly<Record<string, ImageProgram>>;
  /** Made where a container starts: its programs expect them, and an image would bring them. */
  readonly folders: readonly string[];
  readonly user: string | undefined;
  readonly workdir: string | undefined;
  readonly env: Readonly<Record<string, string>>;
}

export interface Catalogue {
  readonly images: readonly CatalogueImage[];
}

export interface CatalogueProblem {
  readonly path: string;
  readonly reason: string;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((entry) => typeof entry === "string");

/** Reads `images.json`. Every problem is reported with its path; the images that are right stay usable. */
export function decodeCatalogue(json: unknown): {
  readonly catalogue: Catalogue;
  readonly problems: readonly CatalogueProblem[];
} {
  const problems: CatalogueProblem[] = [];
  const images: CatalogueImage[] = [];
  if (!Array.isArray(json)) problems.push({ path: "", reason: "must be a list of images" });
  for (const [index, value] of (Array.isArray(json) ? json : []).entries()) {
    const before = problems.length;
    const image = decodeImage(value, (field, reason) => problems.push({ path: `[${index}]${field}`, reason }));
    if (image && problems.length === before) images.push(image);
  }
  return { catalogue: { images }, problems };
}

function decodeImage(value: unknown, problem: (field: string, reason: string) => void): CatalogueImage | undefined {
  if (!isRecord(value)) {
    problem("", "must be an object");
    return undefined;
  }
  const strings = (field: string): readonly string[] | undefined => {
    const list = value[field];
    if (list === undefined) return undefined;
    if (isTexts(list)) return list;
    problem(`.${field}`, "must be a list of strings");
    return undefined;
  };
  const single = (field: string): string | undefined => {
    const entry = value[field];
    if (entry === undefined || typeof entry === "string") return entry;
    problem(`.${field}`, "must be a string");
    return undefined;
  };
  const repository = single("repository");
  if (repository === undefined) problem(".repository", "is required");
  const programs: Record<string, ImageProgram> = {};
  for (const [name, entry] of Object.entries(isRecord(value["programs"]) ? value["programs"] : {})) {
    if (typeof entry === "string") programs[name] = { kind: "script", entry };
    else if (isRecord(entry) && typeof entry["host"] === "string") {
      const install = entry["install"];
      programs[name] = {
        kind: "host",
        program: entry["host"],
        install: typeof install === "string" ? install : undefined,
      };
    } else problem(`.programs.${name}`, 'must be a path in the repository or {"host": "program"}');
  }
  const env: Record<string, string> = {};
  for (const [name, entry] of Object.entries(isRecord(value["env"]) ? value["env"] : {})) {
    if (typeof entry === "string") env[name] = entry;
    else problem(`.env.${name}`, "must be a string");
  }
  return {
    repository: repository ?? "",
    aliases: strings("aliases") ?? [],
    tags: strings("tags"),
    entrypoint: strings("entrypoint") ?? [],
    cmd: strings("cmd") ?? [],
    programs,
    folders: strings("folders") ?? [],
    user: single("user"),
    workdir: single("workdir"),
    env,
  };
}

export type ImageLookup =
  | { readonly kind: "found"; readonly image: CatalogueImage }
  | { readonly kind: "missing"; readonly message: string };

/** Finds the image that a container names. Errors: a sentence for the user, saying how to get the image. */
export function findImage(catalogue: Catalogue, name: string, cataloguePath: string): ImageLookup {
  const reference = parseImageReference(name);
  if (!reference) {
    return {
      kind: "missing",
      message: `"${name}" is not an image name; write REGISTRY/REPOSITORY:TAG, for example busybox:1.36`,
    };
  }
  const sameName = catalogue.images.filter(
    (image) => image.repository === reference.repository || image.aliases.includes(reference.repository),
  );
  const image = sameName.find((entry) => entry.tags === undefined || entry.tags.includes(reference.tag));
  if (image) return { kind: "found", image };
  const tags = sameName.flatMap((entry) => entry.tags ?? []);
  const why =
    tags.length > 0
      ? `the embedded cluster has ${reference.repository} only with the tags ${tags.join(", ")}`
      : `the embedded cluster has no image "${reference.repository}", because it runs programs of this machine instead of pulling images`;
  const example = `{"repository": "${reference.repository}", "entrypoint": ["NAME"], "programs": {"NAME": {"host": "NAME"}}}`;
  return {
    kind: "missing",
    message: `${why}; add an entry such as ${example} to ${cataloguePath}, or use one of: ${names(catalogue)}`,
  };
}

const names = (catalogue: Catalogue): string =>
  catalogue.images
    .map((image) => image.repository)
    .sort()
    .join(", ");
