/** A parsed image name. */
export interface ImageReference {
  /** Without tag and digest, `docker.io/` and `library/` removed: `busybox`, `ghcr.io/buoyantio/emojivoto-web`. */
  readonly repository: string;
  readonly tag: string;
}

/** Parses what manifests write in `image`. Errors: undefined when the text is no image name. */
export function parseImageReference(image: string): ImageReference | undefined {
  const match =
    /^([a-zA-Z0-9][a-zA-Z0-9._\-/]*(?::[0-9]+\/[a-zA-Z0-9._\-/]+)?)(?::([\w][\w.-]{0,127}))?(?:@(\w+:[0-9a-f]+))?$/.exec(
      image,
    );
  if (!match) return undefined;
  const [, name = "", tag, digest] = match;
  const repository = name.replace(/^(?:index\.)?docker\.io\//, "").replace(/^library\//, "");
  return { repository, tag: tag ?? (digest === undefined ? "latest" : digest) };
}
