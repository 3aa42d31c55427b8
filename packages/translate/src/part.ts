/**
 * A piece of configuration with everything that it is made of. `make` reads nothing else, so equal inputs give equal messages: the content
 * of `inputs` is the cache key (design.md D7, for parts smaller than a view).
 */
export interface Part<Message> {
  readonly inputs: readonly (object | string | number | boolean | undefined)[];
  make(): Message;
}
