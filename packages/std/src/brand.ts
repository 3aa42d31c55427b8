declare const brand: unique symbol;

/**
 * A nominal type: a `T` that was checked or measured to be a `Name`.
 *
 * ```ts
 * type SpiffeId = Brand<string, "SpiffeId">;
 * ```
 */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };
