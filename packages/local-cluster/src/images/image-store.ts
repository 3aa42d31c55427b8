import { readFileSync, statSync } from "node:fs";
import { type Catalogue, decodeCatalogue, findImage, type ImageLookup } from "./catalogue.ts";

/** The images that pods may name. */
export interface ImageStore {
  find(image: string): ImageLookup;
}

/** Reads the file again when an image is missing and the file has changed, so that adding an entry mends a waiting pod. */
export function createImageStore(first: Catalogue, cataloguePath: string): ImageStore {
  let catalogue = first;
  let readAtMs = modifiedMs(cataloguePath);
  return {
    find(image) {
      const known = findImage(catalogue, image, cataloguePath);
      const changedMs = modifiedMs(cataloguePath);
      if (known.kind === "found" || changedMs === readAtMs) return known;
      readAtMs = changedMs;
      let problem: string;
      try {
        const read = decodeCatalogue(JSON.parse(readFileSync(cataloguePath, "utf8")));
        catalogue = read.catalogue;
        problem = read.problems.map(({ path, reason }) => `${path} ${reason}`).join("; ");
      } catch (error) {
        problem = error instanceof Error ? error.message : String(error);
      }
      const again = findImage(catalogue, image, cataloguePath);
      if (again.kind === "found" || problem === "") return again;
      return { kind: "missing", message: `${again.message} (problems of that file: ${problem})` };
    },
  };
}

function modifiedMs(file: string): number {
  try {
    return statSync(file).mtimeMs;
  } catch {
    return 0;
  }
}
