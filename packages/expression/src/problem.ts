/** What is wrong with an expression; never leaves the package. */
export class ExpressionProblem extends Error {
  /** Offset in the expression. */
  readonly at: number;

  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}
