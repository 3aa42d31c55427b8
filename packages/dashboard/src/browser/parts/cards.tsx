import type { ComponentChildren } from "preact";

/** Head of a column: `num` for numbers, which stand on the right. */
export type Head = string | { readonly num: string };

/** A table whose rows become cards on a phone. */
export function Cards({
  caption,
  heads,
  children,
}: {
  caption?: string;
  heads: readonly Head[];
  children: ComponentChildren;
}) {
  return (
    <table class="cards">
      {caption === undefined ? null : <caption>{caption}</caption>}
      <thead>
        <tr>
          {heads.map((head) =>
            typeof head === "string" ? (
              <th key={head} scope="col">
                {head}
              </th>
            ) : (
              <th key={head.num} scope="col" class="num">
                {head.num}
              </th>
            ),
          )}
        </tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  );
}
