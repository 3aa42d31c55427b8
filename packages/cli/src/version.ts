import manifest from "../package.json" with { type: "json" };

/** Version of this program: the tag of its images, and what `heddle version` prints. */
export const version: string = manifest.version;
