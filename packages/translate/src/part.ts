/**
 * A piece of configuration with everything that it is made of. `make` reads nothing else, so equal inputs give equal messages: the content
 * of `inputs` is the cache key (design.md D7, for parts smaller than a view).
 */
export interface Part<Message> {
  readonly inputs: readonly Input[];
  /** More of them, in one list that many parts have in common, so that its key is made once. */
  readonly shared?: readonly Input[];
  make(): Message;
}

export type Input = object | string | number | boolean | undefined;
